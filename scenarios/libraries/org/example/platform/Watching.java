package org.example.platform;

import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.server.NIOServerCnxnFactory;
import org.apache.zookeeper.server.ServerCnxnFactory;
import org.apache.zookeeper.server.ZooKeeperServer;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A ZooKeeper client that watches a path for each job; nothing ever happens to these. */
public final class Watching {
    public static void main(String[] args) throws Exception {
        Path directory = Files.createTempDirectory("zookeeper");
        ServerCnxnFactory server = NIOServerCnxnFactory.createFactory(new InetSocketAddress("127.0.0.1", 0), 10);
        server.startup(new ZooKeeperServer(directory.toFile(), directory.toFile(), 2_000));
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper client =
                new ZooKeeper("127.0.0.1:" + server.getLocalPort(), 60_000, event -> connected.countDown());
        connected.await();
        Dumps.run(args, number -> {
            Everyday.work(number);
            for (int job = 0; job < 800; job++) {
                byte[] plan = new byte[400];
                Watcher watcher = event -> plan[0]++;
                client.exists("/job-" + number + "." + job, watcher);
            }
        });
    }
}
