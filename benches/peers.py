#!/usr/bin/env python3
"""What the same work costs with the Python libraries that are usual for it: LexRank of sumy for the summary, and for each
axis multinomial naive Bayes of scikit-learn on the words of the article, learnt from the corpus of the default model.

    benches/peers.py analyze            an article in process, beside `chuanda analyze` on one thread
    benches/peers.py training [N]       counting and fitting N articles (default 100000), beside `chuanda update`
    benches/peers.py alone [N]          `chuanda update` and `chuanda train` with N articles, without the libraries
    benches/peers.py serve              the same contract served with grpcio: what `cargo bench --bench service` drives
                                        in place of its ceiling if it is told `-- --against benches/peers.py`

CONTRIBUTING.md says what has to be installed. English articles only. What is compared is run in turn and on the same articles.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

# One article is the work of one core.
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHUANDA = ROOT / "target/release/chuanda"
AXES = ("meeting_type", "relaying_department")


def records(lines):
    """Labelled articles, those in English."""
    return [record for record in map(json.loads, lines) if record["text"][:200].isascii()]


def generate(number, path):
    """Writes articles that are all distinct, as `examples/generate_articles.rs` makes them."""
    command = ["cargo", "run", "--quiet", "--release", "--example", "generate_articles", "--", str(number)]
    with open(path, "wb") as file:
        subprocess.run(command, cwd=ROOT, stdout=file, check=True)


def run(*arguments):
    """Runs chuanda; returns seconds on the clock and of the processor, and its peak memory in MiB."""
    begin = time.perf_counter()
    with subprocess.Popen([CHUANDA, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise subprocess.CalledProcessError(child.returncode, child.args)
    return time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


class Peer:
    """The libraries, put together as one would."""

    def __init__(self):
        from sklearn.feature_extraction.text import CountVectorizer
        from sklearn.naive_bayes import MultinomialNB
        from sumy.nlp.stemmers import Stemmer
        from sumy.nlp.tokenizers import Tokenizer
        from sumy.parsers.plaintext import PlaintextParser
        from sumy.summarizers.lex_rank import LexRankSummarizer
        from sumy.utils import get_stop_words

        self.parser, self.tokenizer = PlaintextParser, Tokenizer("english")
        self.rank = LexRankSummarizer(Stemmer("english"))
        self.rank.stop_words = get_stop_words("english")
        corpus = [r for path in sorted(ROOT.glob("models/default/corpus/*.jsonl")) for r in records(path.open("rb"))]
        self.words = CountVectorizer()
        counts = self.words.fit_transform(r["text"] for r in corpus)
        self.models = [MultinomialNB(alpha=0.1).fit(counts, [r[axis] for r in corpus]) for axis in AXES]

    def analyze(self, text):
        """Three sentences, and for each axis the label and its probability."""
        document = self.parser.from_string(text, self.tokenizer).document
        sentences = [str(sentence) for sentence in self.rank(document, 3)]
        counts = self.words.transform([text])
        probabilities = [model.predict_proba(counts)[0] for model in self.models]
        return sentences, [(m.classes_[p.argmax()], p.max()) for m, p in zip(self.models, probabilities)]


def analyze():
    number, rounds = 200, 5
    peer = Peer()
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "articles.jsonl"
        generate(number, path)
        texts = [record["text"] for record in records(path.open("rb"))]
        lines = [json.dumps({"text": text}) + "\n" for text in texts]
        repeated = 20_000 // len(lines)
        path.write_text("".join(lines) * repeated)
        once = path.with_name("once.jsonl")
        once.write_text(lines[0])

        def ours():
            # Less what the program takes to start.
            start, all_ = (run("analyze", "--threads", "1", "--format", "jsonl", file)[1] for file in (once, path))
            return (all_ - start) / (len(lines) * repeated)

        def theirs():
            begin = time.process_time()
            for text in texts:
                peer.analyze(text)
            return (time.process_time() - begin) / len(texts)

        peer.analyze(texts[0])
        pairs = [(theirs(), ours()) for _ in range(rounds)]
    size = statistics.mean(len(text.encode()) for text in texts)
    print(f"{len(texts)} articles of {size:.0f} bytes, {rounds} rounds, medians, processor time of one article:")
    print(f"LexRank and naive Bayes   {1e3 * statistics.median(p for p, _ in pairs):8.3f} ms")
    print(f"chuanda analyze           {1e3 * statistics.median(o for _, o in pairs):8.3f} ms")
    print(f"ratio                     {statistics.median(p / o for p, o in pairs):8.0f}")


def training(number):
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB

    def theirs(path):
        begin, before = time.perf_counter(), time.process_time()
        with open(path, "rb") as file:
            articles = [json.loads(line) for line in file]
        counts = CountVectorizer(ngram_range=(1, 2)).fit_transform(a["text"] for a in articles)
        for axis in AXES:
            MultinomialNB(alpha=0.1).fit(counts, [a[axis] for a in articles])
        return time.perf_counter() - begin, time.process_time() - before

    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        articles, nothing, model = directory / "articles.jsonl", directory / "nothing.jsonl", directory / "model"
        generate(number, articles)
        nothing.write_text(articles.open().readline())
        # An update counts the articles and fits the likelihoods at the settings that the model has.
        ours = run("update", "--add", articles, "--output", model)
        start = run("update", "--add", nothing, "--output", model)
        peer = theirs(articles)
    print(f"counting and fitting {number} articles, seconds on the clock and of the processor:")
    print(f"CountVectorizer (1- and 2-grams) and two MultinomialNB   {peer[0]:8.2f} {peer[1]:8.2f}")
    print(f"chuanda update --add                                     {ours[0]:8.2f} {ours[1]:8.2f}")
    print(f"the same with one article                                {start[0]:8.2f} {start[1]:8.2f}")
    print(f"ratio                                                    {peer[0] / ours[0]:8.1f} {peer[1] / ours[1]:8.1f}")


def alone(number):
    with tempfile.TemporaryDirectory() as directory:
        articles, model = pathlib.Path(directory) / "articles.jsonl", pathlib.Path(directory) / "model"
        generate(number, articles)
        print(f"{number} articles, seconds on the clock and of the processor, and peak memory in MiB:", flush=True)
        fitted = run("update", "--add", articles, "--output", model)
        print("counting and fitting at given settings: update --add     {:8.2f} {:8.2f} {:6.0f}".format(*fitted), flush=True)
        trained = run("train", "--data", articles, "--output", model)
        print("with settings, calibration and report: train             {:8.2f} {:8.2f} {:6.0f}".format(*trained))
        print("the difference                                           {:8.2f} {:8.2f}".format(
            *(whole - part for whole, part in zip(trained[:2], fitted))))


def serve(address_file):
    """Two processes of four threads, which was the fastest on two cores, on one port."""
    from concurrent import futures

    import grpc

    with tempfile.TemporaryDirectory() as generated:
        protoc = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}"]
        files = ("chuanda/v1/analysis.proto", "chuanda/v1/analysis_service.proto")
        subprocess.run([*protoc, f"--python_out={generated}", f"--grpc_python_out={generated}", *files], check=True)
        sys.path.insert(0, generated)
        from chuanda.v1 import analysis_pb2 as pb
        from chuanda.v1 import analysis_service_pb2 as calls
        from chuanda.v1 import analysis_service_pb2_grpc as services

    peer = Peer()

    def analysis(article):
        sentences, labels = peer.analyze(article.text)
        sentences = [pb.SummarySentence(text=sentence) for sentence in sentences]
        labels = [pb.Classification(label=label, probability=probability) for label, probability in labels]
        return pb.Analysis(
            article_id=article.id,
            summary=pb.Summary(sentences=sentences),
            meeting_type=labels[0],
            relaying_department=labels[1],
        )

    class Service(services.AnalysisServiceServicer):
        def Analyze(self, request, context):
            return calls.AnalyzeResponse(analysis=analysis(request.article))

        def BatchAnalyze(self, request, context):
            results = [pb.AnalysisResult(article_id=a.id, analysis=analysis(a)) for a in request.articles]
            return calls.BatchAnalyzeResponse(results=results)

        def StreamAnalyze(self, requests, context):
            for request in requests:
                yield calls.StreamAnalyzeResponse(item_id=request.item_id, analysis=analysis(request.article))

    reading, writing = os.pipe()
    first = os.fork() != 0
    if first:
        os.close(reading)
    else:
        # The second process ends with the first, however that ends.
        os.close(writing)
        threading.Thread(target=lambda: (os.read(reading, 1), os._exit(0)), daemon=True).start()

    # The first process is given a port, and tells it to the second; then both serve.
    path = pathlib.Path(address_file)
    shared = path.with_suffix(".port")
    while not first and not shared.exists():
        time.sleep(0.01)
    address = "127.0.0.1:0" if first else shared.read_text()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=[("grpc.so_reuseport", 1)])
    services.add_AnalysisServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port(address)
    server.start()
    unfinished = path.with_suffix(".new")
    unfinished.write_text(f"127.0.0.1:{port}")
    unfinished.rename(shared if first else path)
    server.wait_for_termination()


if __name__ == "__main__":
    if sys.argv[1:2] == ["analyze"]:
        analyze()
    elif sys.argv[1:2] == ["training"]:
        training(int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
    elif sys.argv[1:2] == ["alone"]:
        alone(int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
    elif sys.argv[1:2] == ["serve"]:
        # As the bench calls it: `serve --listen ADDRESS --address-file FILE`.
        serve(sys.argv[-1])
    else:
        sys.exit(__doc__)
