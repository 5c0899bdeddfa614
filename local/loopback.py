"""Keeps two servers inside Flink on loopback that have no setting for it.

Beam serves every Python worker from ports on all interfaces, without a password, and Flink's
Prometheus reporter listens there too (PyFlink 2.3.0). Byteman, a Java agent, gives both the
loopback address instead. Only the local stack needs this: in a container the ports stay inside.
"""

from pathlib import Path

BUILDER = "org.apache.beam.vendor.grpc.v1p60p1.io.grpc.netty.NettyServerBuilder"
RULES = f"""\
RULE Beam serves Python workers on loopback
CLASS {BUILDER}
METHOD forPort(int)
AT ENTRY
BIND loopback = java.net.InetAddress.getLoopbackAddress()
IF true
DO RETURN {BUILDER}.forAddress(new java.net.InetSocketAddress(loopback, $1))
ENDRULE

RULE Prometheus metrics are served on loopback
CLASS com.sun.net.httpserver.HttpServer
METHOD create(InetSocketAddress, int)
AT ENTRY
BIND loopback = java.net.InetAddress.getLoopbackAddress()
IF true
DO $1 = new java.net.InetSocketAddress(loopback, $1.getPort())
ENDRULE
"""


def java_agent(agent_jar: Path, rules: Path) -> str:
    """Writes the rules; returns the JVM option that applies them."""
    rules.write_text(RULES)
    return f"-javaagent:{agent_jar}=boot:{agent_jar},script:{rules}"
