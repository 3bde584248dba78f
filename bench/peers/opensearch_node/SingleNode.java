// One OpenSearch node from its published packages, without the distribution's scripts around it.
// Arguments: home folder, HTTP port, transport port. SPDX-License-Identifier: Apache-2.0
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

public final class SingleNode extends Node {
  private SingleNode(Environment environment) {
    super(environment, List.of(Netty4Plugin.class), false);
  }

  public static void main(String[] arguments) throws Exception {
    Settings settings =
        Settings.builder()
            .put("path.home", arguments[0])
            .put("http.port", arguments[1])
            .put("transport.port", arguments[2])
            .put("network.host", "127.0.0.1")
            .put("discovery.type", "single-node")
            .build();
    new SingleNode(InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "bench"))
        .start();
    new CountDownLatch(1).await();
  }
}
