package org.sentinelle.junit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Gives the tests of a class a real group: a parameter of type {@link org.sentinelle.TestGroup}.
 *
 * <p>The group is started once for the class and reset before each test.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(HaGroupExtension.class)
public @interface HaGroupTest {
    /** How many replicas the group has. */
    int replicas() default 2;

    /** How many sentinels the group has. */
    int sentinels() default 3;

    /** How many sentinels must call the master down. */
    int quorum() default 2;

    /** Further options, each as {@code key=value}; {@code patience_ms} is 60000 where it is not among them. */
    String[] options() default {};
}
