"""A Kafka broker that flushes before it acknowledges: flush.messages=1. SPDX-License-Identifier: Apache-2.0"""
import pathlib
import subprocess
import time

from harness.process import Watch
from peers import corpus, maven

POM = pathlib.Path(__file__).resolve().parent / "kafka_broker" / "pom.xml"
TOPIC, IN_FLIGHT, READY_SECONDS_MAX, WARM_SECONDS = "events", 64, 60, 3
PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
log.dirs={logs}
log.flush.interval.messages=1
offsets.topic.replication.factor=1
auto.create.topics.enable=false
"""


class Broker:
    def __init__(self, work):
        try:
            import confluent_kafka
            import confluent_kafka.admin
        except ImportError as missing:
            raise corpus.Skip("the client is not installed (PyPI: confluent-kafka)") from missing
        self.client, jars = confluent_kafka, maven.jars(POM, "kafka")
        self.folder = work / "kafka"
        self.folder.mkdir()
        ports = {"broker": corpus.free_port(), "controller": corpus.free_port()}
        self.address = f"127.0.0.1:{ports['broker']}"
        config = self.folder / "server.properties"
        config.write_text(PROPERTIES.format(logs=self.folder / "logs", **ports))
        java = ["java", "-Xms1g", "-Xmx1g", "-cp", f"{jars}/*"]
        subprocess.run([*java, "kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", str(config)],
                       check=True, capture_output=True)
        self.process = subprocess.Popen([*java, "kafka.Kafka", str(config)], stderr=subprocess.STDOUT,
                                        stdout=open(self.folder / "output", "w", encoding="utf-8"))
        self.wait()

    def wait(self):
        admin = self.client.admin.AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        end = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < end and self.process.poll() is None:
            try:
                admin.list_topics(timeout=2)
                topic = self.client.admin.NewTopic(TOPIC, 1, 1, config={"flush.messages": "1"})
                admin.create_topics([topic])[TOPIC].result(30)
                return
            except self.client.KafkaException:
                time.sleep(0.2)
        self.stop()
        raise corpus.Skip(f"the broker did not start: {corpus.log_of(self.folder / 'output')}")

    def producer(self, **settings):
        return self.client.Producer({"bootstrap.servers": self.address, "acks": "all", "log_level": 0,
                                     **{name.replace("_", "."): value for name, value in settings.items()}})

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def produce_batches(broker, run):
    producer = broker.producer(linger_ms=5, batch_size=4_000_000, batch_num_messages=1000, compression_type="zstd",
                               queue_buffering_max_messages=20_000, message_max_bytes=4_000_000)
    sent = 0
    start = time.monotonic()
    for batch in corpus.batches(run):
        for line in batch:
            while True:
                try:
                    producer.produce(TOPIC, line)
                    break
                except BufferError:
                    producer.poll(0.01)
        sent += len(batch)
        producer.poll(0)
        if time.monotonic() - start > run.seconds / 2:
            break
    if producer.flush(60) != 0:
        raise corpus.Skip("the broker did not take what was sent")
    seconds = time.monotonic() - start
    return {"events": sent, "seconds": seconds, "events_per_second": sent / seconds,
            "client": "compresses (zstd) and batches 1 000 messages; reading the lines counts"}


class Singles:
    """One message a request, 64 requests in flight, each flushed before its answer."""

    def __init__(self, broker):
        self.producer = broker.producer(linger_ms=0, batch_num_messages=1, max_in_flight=IN_FLIGHT)
        self.latencies, self.flying, self.failures = [], 0, 0

    def send(self, line):
        while self.flying >= IN_FLIGHT:
            self.producer.poll(0.1)
        sent = time.monotonic()

        def delivered(error, _message):
            self.flying -= 1
            self.failures += error is not None
            self.latencies.append(time.monotonic() - sent)

        self.flying += 1
        self.producer.produce(TOPIC, line, on_delivery=delivered)
        self.producer.poll(0)


def produce_singles(broker, run):
    singles = Singles(broker)
    start, warm = time.monotonic(), False
    for line in (line for batch in corpus.batches(run, "singles") for line in batch):
        singles.send(line)
        if not warm and time.monotonic() - start > WARM_SECONDS:  # the virtual machine compiles meanwhile
            warm, start, singles.latencies = True, time.monotonic(), []
        if warm and time.monotonic() - start > max(2, run.seconds / 4):
            break
    singles.producer.flush(60)
    seconds = time.monotonic() - start
    return {"events": len(singles.latencies), "failures": singles.failures,
            "events_per_second": len(singles.latencies) / seconds, "latency_us": corpus.percentiles(singles.latencies)}


def measure(run):
    corpus.lines(run)
    broker = Broker(run.work)
    try:
        with Watch(broker.process.pid) as watch:
            batches = produce_batches(broker, run)
        batches.update(watch.result())
        size = sum(path.stat().st_size for path in (broker.folder / "logs").glob(f"{TOPIC}-0/*.log"))
        return {"version": "4.3.1", "durability": "acks=all, flush.messages=1, one broker", "batches": batches,
                "bytes_per_event": size / batches["events"], "singles": produce_singles(broker, run)}
    finally:
        broker.stop()
