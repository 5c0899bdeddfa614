"""What we compute: values and arrays in, values out."""
