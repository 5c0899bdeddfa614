"""Streams as PyFlink 2.3 makes them, without what that costs for nothing."""

from pyflink.common import Time, Types
from pyflink.common.typeinfo import RowTypeInfo, TypeInformation, _from_java_type
from pyflink.datastream import AsyncDataStream, DataStream, KeyedStream, OutputTag
from pyflink.datastream.functions import AsyncFunction
from pyflink.java_gateway import get_gateway

_NO_TIMEOUT = Time.milliseconds(0)
"""Any other value costs a timer for each record."""


def awaited(
    stream: DataStream, function: AsyncFunction, in_flight_max: int, out: TypeInformation
) -> DataStream:
    """What an AsyncFunction makes of a stream, in whatever order it is done, without a timeout."""
    return AsyncDataStream.unordered_wait(stream, function, _NO_TIMEOUT, in_flight_max, out)


def side_output(stream: DataStream, tag: OutputTag) -> DataStream:
    """`stream.get_side_output(tag)` less its Python function.

    That would hand every record to Python, which returns what it is given.
    """
    return DataStream(stream._j_data_stream.getSideOutput(tag.get_java_output_tag()))


def keyed(stream: DataStream) -> KeyedStream:
    """A stream of Row(key, value) by its key; operators see the value.

    This is what `key_by` makes of a stream once a Python function of its own has put the key before
    each record: one trip more to Python and back.
    """
    row = _from_java_type(stream._j_data_stream.getTransformation().getOutputType())
    if not isinstance(row, RowTypeInfo) or len(row.get_field_types()) != 2:
        raise TypeError(f"the stream has rows of {row}; expected (key, value)")
    key, value = row.get_field_types()
    selector = get_gateway().jvm.KeyByKeySelector()
    key_type = Types.ROW([key]).get_java_type_info()
    return KeyedStream(stream._j_data_stream.keyBy(selector, key_type), value, stream)
