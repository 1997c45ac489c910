package com.alibaba.otter.node.deployer;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import standin.node.NodeServer;
import standin.node.StartFailure;

/** The stand-in's node under the name of otter's main class. */
public final class OtterLauncher {
    private static final Logger logger = LoggerFactory.getLogger(OtterLauncher.class);

    private OtterLauncher() { }

    /** Starts the node; what it throws ends the main thread only, and the JVM lives on as a zombie. */
    public static void main(String[] arguments) throws Exception {
        NodeServer server = new NodeServer();
        try {
            server.start();
        } catch (StartFailure failure) {
            // start failures of a node go to stderr and to no log file
            failure.getCause().printStackTrace();
            failure.delay.sleep();
            System.exit(1);
        }
        logger.info("INFO ## the otter server is running now ......");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            logger.info("INFO ## stand-in node is stopping");
            server.stop();
            logger.info("INFO ## stand-in node is down");
        }));
    }
}
