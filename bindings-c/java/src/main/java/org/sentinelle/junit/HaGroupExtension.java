package org.sentinelle.junit;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.sentinelle.TestGroup;

/** Starts the group of a test class, resets it before each test, ends it with the class. */
public final class HaGroupExtension implements BeforeEachCallback, ParameterResolver {
    private static final Namespace NAMESPACE = Namespace.create(HaGroupExtension.class);

    @Override
    public void beforeEach(ExtensionContext context) {
        Running running = running(context);
        if (running.isUsed) {
            running.group.reset();
        }
        running.isUsed = true;
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == TestGroup.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return running(context).group;
    }

    /** A machine that runs tests may be busy: only a wait that is in vain takes so long. */
    private static final String PATIENCE_MILLIS = "60000";

    private static Running running(ExtensionContext context) {
        Class<?> type = context.getRequiredTestClass();
        ExtensionContext whole = context;
        while (whole.getParent().isPresent() && whole.getParent().get().getTestClass().isPresent()) {
            whole = whole.getParent().get();
        }
        return whole.getStore(NAMESPACE).getOrComputeIfAbsent(type, Running::new, Running.class);
    }

    private static final class Running implements AutoCloseable {
        private final TestGroup group;
        private boolean isUsed;

        Running(Class<?> type) {
            HaGroupTest wish = type.getAnnotation(HaGroupTest.class);
            Map<String, String> options = new LinkedHashMap<>();
            options.put("replicas", Integer.toString(wish.replicas()));
            options.put("sentinel_count", Integer.toString(wish.sentinels()));
            options.put("quorum", Integer.toString(wish.quorum()));
            options.put("patience_ms", PATIENCE_MILLIS);
            for (String option : wish.options()) {
                int equals = option.indexOf('=');
                if (equals < 1) {
                    throw new IllegalArgumentException("@HaGroupTest options: no key=value: \"" + option + "\"");
                }
                options.put(option.substring(0, equals), option.substring(equals + 1));
            }
            group = TestGroup.start(options);
        }

        @Override
        public void close() {
            group.close();
        }
    }
}
