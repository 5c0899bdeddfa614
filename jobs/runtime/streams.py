"""Side outputs and keys without the operators that PyFlink puts between (2.3).

Each of those hands every record to Python and back to the JVM, and what it does there is nothing.
"""

from pyflink.common import Types
from pyflink.common.typeinfo import RowTypeInfo, _from_java_type
from pyflink.datastream import DataStream, KeyedStream, OutputTag
from pyflink.java_gateway import get_gateway


def side_output(stream: DataStream, tag: OutputTag) -> DataStream:
    """`stream.get_side_output(tag)` less its Python function, which returns what it is given."""
    return DataStream(stream._j_data_stream.getSideOutput(tag.get_java_output_tag()))


def keyed(stream: DataStream) -> KeyedStream:
    """A stream of Row(key, value) by its key; operators see the value.

    This is what `key_by` makes of a stream once a Python function of its own has put the key before
    each record.
    """
    row = _from_java_type(stream._j_data_stream.getTransformation().getOutputType())
    if not isinstance(row, RowTypeInfo) or len(row.get_field_types()) != 2:
        raise TypeError(f"the stream has rows of {row}; expected (key, value)")
    key, value = row.get_field_types()
    selector = get_gateway().jvm.KeyByKeySelector()
    key_type = Types.ROW([key]).get_java_type_info()
    return KeyedStream(stream._j_data_stream.keyBy(selector, key_type), value, stream)
