package com.alibaba.otter.manager.deployer;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import standin.Delay;
import standin.Settings;
import standin.manager.ManagerServer;

/** The stand-in's manager under the name of otter's main class; any failure to start is exit code 0. */
public final class OtterManagerLauncher {
    private static final Logger logger = LoggerFactory.getLogger(OtterManagerLauncher.class);

    private OtterManagerLauncher() { }

    public static void main(String[] arguments) {
        try {
            Settings launcher = Settings.load(System.getProperty("otter.conf", "classpath:otter.properties"));
            launcher.copyToSystemProperties();
            logger.info("## stand-in manager is starting");
            ManagerServer server = new ManagerServer();
            server.start();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                logger.info("## stand-in manager is stopping");
                server.stop();
                logger.info("## stand-in manager is down");
            }));
            logger.info("## stand-in manager is up");
        } catch (Throwable e) {
            logger.error("## stand-in manager failed to start", e);
            if (e instanceof java.net.BindException) {
                Delay.MANAGER_HTTP_TAKEN.sleep();
            }
            // otter's own rule, and the reason why an exit 0 that nobody asked for is a failure
            System.exit(0);
        }
    }
}
