import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.core.status.Status;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** Configures logback from a file, says one line at INFO and one at WARN for each logger named. */
public class LogbackProbe {
    public static void main(String[] arguments) throws Exception {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        JoranConfigurator configurator = new JoranConfigurator();
        configurator.setContext(context);
        context.reset();
        configurator.doConfigure(arguments[0]);
        for (int i = 1; i < arguments.length; i++) {
            LoggerFactory.getLogger(arguments[i]).info("info {}", arguments[i]);
            MDC.put("otter", "7");
            LoggerFactory.getLogger(arguments[i]).warn("warn {}", arguments[i]);
            MDC.clear();
        }
        for (Status status : context.getStatusManager().getCopyOfStatusList()) {
            if (status.getLevel() >= Status.WARN) {
                System.out.println("STATUS " + status);
            }
        }
        context.stop();
    }
}
