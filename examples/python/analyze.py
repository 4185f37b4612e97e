#!/usr/bin/env python3
"""Sends articles to a running server and prints what it answers.

Set up once, from the root of the repository:

    python3 -m venv venv
    venv/bin/pip install grpcio grpcio-tools grpcio-status
    mkdir -p gen
    venv/bin/python -m grpc_tools.protoc -I proto --python_out=gen --grpc_python_out=gen \\
        chuanda/v1/analysis.proto chuanda/v1/analysis_service.proto chuanda/v1/model.proto chuanda/v1/model_service.proto

google/rpc/status.proto is left out: its Python code comes with grpcio-status. Then, with a server running
(chuanda serve):

    PYTHONPATH=gen venv/bin/python examples/python/analyze.py 127.0.0.1:50051 article.txt other.txt
"""

import sys

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from chuanda.v1 import analysis_pb2, analysis_service_pb2, analysis_service_pb2_grpc


def show(analysis, text):
    print(f"{analysis.article_id} (model {analysis.model_version})")
    for axis in ("meeting_type", "relaying_department"):
        if not analysis.HasField(axis):
            print(f"  {axis}: not answered by this model")
            continue
        answer = getattr(analysis, axis)
        decision = analysis_pb2.Decision.Name(answer.decision)
        print(f"  {axis}: {answer.display_name} ({answer.label}, {answer.probability:.2f}, {decision})")
        print(f"    label set: {', '.join(answer.label_set)}")
        for evidence in answer.evidence[:3]:
            print(f"    {evidence.contribution:+.2f} {evidence.text!r}")
    for sentence in analysis.summary.sentences:
        # Offsets were asked for in code points, in which Python counts.
        assert text[sentence.start : sentence.end] == sentence.text
        print(f"  {sentence.rank}. {sentence.text}")
    for warning in analysis.warnings:
        print(f"  note: {warning.message}")


def explain(error):
    """What a program can branch on when a call fails."""
    print(f"{error.code().name}: {error.details()}")
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo):
            message = kind()
            if detail.Unpack(message):
                print(f"  {kind.__name__}: {str(message).strip()}".replace("\n", " "))


def main(server, paths):
    texts = {}
    for path in paths:
        with open(path, encoding="utf-8", newline="") as file:
            texts[path] = file.read()
    options = analysis_pb2.SummaryOptions(max_sentences=3)
    encoding = analysis_pb2.OFFSET_ENCODING_CODE_POINTS
    with grpc.insecure_channel(server) as channel:
        stub = analysis_service_pb2_grpc.AnalysisServiceStub(channel)
        try:
            # One article, with a time limit.
            for path, text in list(texts.items())[:1]:
                request = analysis_service_pb2.AnalyzeRequest(
                    article=analysis_pb2.Article(id=path, text=text),
                    summary_options=options,
                    offset_encoding=encoding,
                )
                show(stub.Analyze(request, timeout=5).analysis, text)
            # Any number of them. Answers come in the order of the requests; one that fails does not end the others.
            requests = (
                analysis_service_pb2.StreamAnalyzeRequest(
                    article=analysis_pb2.Article(id=path, text=text),
                    summary_options=options,
                    offset_encoding=encoding,
                )
                for path, text in list(texts.items())[1:]
            )
            for answer in stub.StreamAnalyze(requests):
                if answer.HasField("error"):
                    print(f"{answer.article_id}: {answer.error.message}")
                else:
                    show(answer.analysis, texts[answer.article_id])
        except grpc.RpcError as error:
            explain(error)
            return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} SERVER FILE...")
    sys.exit(main(sys.argv[1], sys.argv[2:]))
