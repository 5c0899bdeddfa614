"""The protocol of gRPC; `wiredesk_pb2*.py` are generated:

python -m grpc_tools.protoc -I. --python_out=. --grpc_python_out=. --pyi_out=. \\
    serving/proto/wiredesk.proto
"""
