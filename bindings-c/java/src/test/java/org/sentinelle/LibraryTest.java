package org.sentinelle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.sentinelle.internal.Abi;
import org.sentinelle.internal.Bridge;

/** What Java knows of the library is what its header says. */
class LibraryTest {
    private static final Path HEADERS = Path.of("..", "include");

    @Test
    void everyFunctionOfTheHeaderHasItsMethod() throws IOException {
        Set<String> declared = new TreeSet<>(Files.readAllLines(HEADERS.resolve("symbols.txt")));
        // Callbacks from foreign threads are not used.
        declared.removeIf(name -> name.endsWith("_on_event"));

        Set<String> known =
                Arrays.stream(Abi.class.getMethods()).map(Method::getName).collect(Collectors.toCollection(TreeSet::new));

        assertEquals(declared, known);
    }

    @Test
    void everyCodeOfAFailureHasAClassOfItsOwn() throws IOException {
        String header = Files.readString(HEADERS.resolve("sentinelle.h"));
        Matcher codes = Pattern.compile("SNL_E_\\w+ = (-\\d+),").matcher(header);
        Set<Class<?>> classes = new java.util.HashSet<>();
        int count = 0;
        while (codes.find()) {
            int code = Integer.parseInt(codes.group(1));
            SentinelleException failure = SentinelleException.of(
                    code, new SentinelleException.Facts("text", null, false, "", "", "{}"));
            assertNotEquals(SentinelleException.class, failure.getClass(), codes.group());
            assertEquals(code, failure.code());
            classes.add(failure.getClass());
            count++;
        }
        assertTrue(count > 30, "codes in the header: " + count);
        assertEquals(count, classes.size());
    }

    @Test
    void theBridgeIsTheOneThisJavaShouldHave() {
        String expected = System.getProperty(
                "sentinelle.bridge", Runtime.version().feature() >= 22 ? "ffm" : "jna");

        assertEquals(expected, Bridge.get().name());
        assertTrue(Bridge.get().text(Bridge.get().abi().snl_version()).matches("\\d+\\.\\d+\\.\\d+"));
    }
}
