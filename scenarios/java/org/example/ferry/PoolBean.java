package org.example.ferry;

import java.lang.management.ManagementFactory;
import java.util.Random;
import javax.management.MBeanServer;
import javax.management.NotificationBroadcasterSupport;
import javax.management.ObjectName;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A bean that only the platform's MBean server holds; each session registers a listener and never takes it off. */
public final class PoolBean extends NotificationBroadcasterSupport implements PoolBeanMBean {
    @Override
    public int getActive() {
        return 1;
    }

    public static void main(String[] args) throws Exception {
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        ObjectName name = new ObjectName("org.example.ferry:type=Pool");
        server.registerMBean(new PoolBean(), name);
        Random random = new Random(60);
        Dumps.run(args, number -> {
            for (int session = 0; session < 1_200; session++) {
                String of = number + "." + session + Everyday.text(random, 60);
                server.addNotificationListener(name, (notification, handback) -> of.length(), null, of);
            }
            Everyday.work(number);
        });
    }
}
