import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import software.amazon.event.ruler.JsonRuleCompiler;
import software.amazon.event.ruler.Machine;
import software.amazon.event.ruler.Patterns;
import software.amazon.event.ruler.RuleCompiler;

/**
 * Lets AWS's filter engine judge. A line {"pattern": "…", "event": "…"} in, a line out: `match`, `no match`, `no pattern`, `no event`, or
 * `unsure` where this JVM is known to be wrong.
 *
 * Each operator is judged by a machine of its own, and a pattern matches if a choice of one operator for each field does:
 *
 * - One machine for all gives other answers at times: its automaton for "*-" and "Ⱥ" in any case, say, matches "1", which is neither.
 *   And its structured finder forgets values that stand outside of an array once one inside was chosen.
 *   Such an answer is said too, as `, together no match`, so that it can be counted.
 */
public final class Judge {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final Pattern NUMBER = Pattern.compile("-?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]{1,3})?");
    /** Beyond so many, the fields that are left are not taken apart. */
    private static final int CHOICES_MAX = 100;

    private Judge() { }

    public static void main(final String[] arguments) throws Exception {
        final BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        final BufferedWriter out = new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8));
        String line;
        while ((line = in.readLine()) != null) {
            final JsonNode pair = JSON.readTree(line);
            out.write(judge(pair.get("pattern").textValue(), pair.get("event").textValue()));
            out.newLine();
            if (!in.ready()) {
                out.flush();
            }
        }
        out.flush();
    }

    private static String judge(final String pattern, final String event) {
        final List<Map<String, List<Patterns>>> branches;
        final Machine together = Machine.builder().build();
        try {
            branches = compile(pattern);
            together.addRule("rule", pattern);
        } catch (Exception e) {
            return isMistaken(pattern) ? "unsure" : "no pattern";
        }
        if (isMistaken(pattern) || isMistaken(event)) {
            return "unsure";
        }
        try {
            final String alone = branches.stream().anyMatch(branch -> matches(branch, branches, event)) ? "match" : "no match";
            final String whole = together.rulesForJSONEvent(event).isEmpty() ? "no match" : "match";
            return whole.equals(alone) ? alone : alone + ", together " + whole;
        } catch (Exception e) {
            return "no event";
        }
    }

    /** As `Machine.addRule` does. */
    private static List<Map<String, List<Patterns>>> compile(final String pattern) throws Exception {
        try {
            return JsonRuleCompiler.compile(pattern);
        } catch (JsonParseException e) {
            return List.of(RuleCompiler.compile(pattern));
        }
    }

    private static boolean matches(final Map<String, List<Patterns>> branch, final List<Map<String, List<Patterns>>> branches,
                                   final String event) {
        for (final Map<String, List<Patterns>> choice : choices(branch)) {
            final Machine machine = Machine.builder().withStructuredMatching(false).build();
            machine.addPatternRule("rule", choice);
            machine.addPatternRule("names", names(branches));
            try {
                if (machine.rulesForJSONEvent(event).contains("rule")) {
                    return true;
                }
            } catch (Exception e) {
                throw new IllegalArgumentException(e);
            }
        }
        return false;
    }

    /** A rule that never matches, so that the machine looks at every name of the pattern, as the whole one would. */
    private static Map<String, List<Patterns>> names(final List<Map<String, List<Patterns>>> branches) {
        final Map<String, List<Patterns>> names = new HashMap<>();
        branches.forEach(branch -> branch.keySet().forEach(name -> names.put(name, List.of(Patterns.exactMatch("never")))));
        // What sorts first decides what is shared with the rule that is judged: nothing.
        names.put("\u0001", List.of(Patterns.exactMatch("never")));
        return names;
    }

    /** All ways to take one operator for each field, or, where these are many, one kind of operators. */
    private static List<Map<String, List<Patterns>>> choices(final Map<String, List<Patterns>> branch) {
        List<Map<String, List<Patterns>>> choices = new ArrayList<>();
        choices.add(new HashMap<>());
        for (final Map.Entry<String, List<Patterns>> field : branch.entrySet()) {
            final List<Map<String, List<Patterns>>> longer = new ArrayList<>();
            for (final List<Patterns> values : alternatives(field.getValue(), choices.size() < CHOICES_MAX)) {
                for (final Map<String, List<Patterns>> choice : choices) {
                    final Map<String, List<Patterns>> more = new HashMap<>(choice);
                    more.put(field.getKey(), values);
                    longer.add(more);
                }
            }
            choices = longer;
        }
        return choices;
    }

    private static List<List<Patterns>> alternatives(final List<Patterns> values, final boolean isEachAlone) {
        return isEachAlone ? values.stream().map(List::of).toList() : List.of(values);
    }

    /**
     * Whether a number stands there that this JVM writes with more digits than it needs: those before 19 do at times (JDK-4511638), and
     * then event-ruler takes the number for one that no double is.
     */
    private static boolean isMistaken(final String text) {
        if (Runtime.version().feature() >= 19) {
            return false;
        }
        final Matcher numbers = NUMBER.matcher(text);
        while (numbers.find()) {
            final BigDecimal exact = new BigDecimal(numbers.group());
            final double number = exact.doubleValue();
            if (number != 0 && !Double.isInfinite(number)) {
                final BigDecimal written = BigDecimal.valueOf(number);
                if (written.compareTo(exact) != 0 && exact.stripTrailingZeros().precision() < written.precision()) {
                    return true;
                }
            }
        }
        return false;
    }
}
