#!/usr/bin/env python3
"""Calls a running server without any generated code: what it needs to know, it asks the server.

    python3 -m venv venv
    venv/bin/pip install grpcio grpcio-reflection grpcio-health-checking
    venv/bin/python examples/python/reflect.py 127.0.0.1:50051 article.txt
"""

import sys

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


def main(server, path):
    with grpc.insecure_channel(server) as channel:
        known = ProtoReflectionDescriptorDatabase(channel)
        print("services:", *known.get_services())
        pool = descriptor_pool.DescriptorPool(known)

        health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        print("health:", health_pb2.HealthCheckResponse.ServingStatus.Name(health.status))

        service = pool.FindServiceByName("chuanda.v1.AnalysisService")
        method = service.methods_by_name["Analyze"]
        analyze = channel.unary_unary(
            f"/{service.full_name}/{method.name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
        )
        request = message_factory.GetMessageClass(method.input_type)()
        with open(path, encoding="utf-8", newline="") as file:
            request.article.text = file.read()
        request.article.id = path
        request.summary_options.max_sentences = 2
        request.classification_options.max_evidence = 2
        answer = analyze(request, timeout=5)
        print(json_format.MessageToJson(answer, preserving_proto_field_name=True, descriptor_pool=pool, ensure_ascii=False))

        # Errors inside a batch are messages too, of a type that the contract imports.
        status = message_factory.GetMessageClass(pool.FindMessageTypeByName("google.rpc.Status"))
        print("google.rpc.Status:", *(field.name for field in status.DESCRIPTOR.fields))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} SERVER FILE")
    main(sys.argv[1], sys.argv[2])
