package sluice.runner;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.util.List;
import org.apache.spark.sql.api.java.UDF1;

/**
 * The fields of a message by name: the value of a text, the literal text of anything else. Spark's
 * own functions would convert numbers to double. Of a repeated name the first field counts. Null
 * for a message that is not a JSON object.
 */
final class Fields implements UDF1<String, String[]> {
  /**
   * Without limits, like the controller: the broker alone limits the length and depth of a message.
   */
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(Integer.MAX_VALUE)
                  .maxNumberLength(Integer.MAX_VALUE)
                  .maxStringLength(Integer.MAX_VALUE)
                  .build())
          .build();

  private final List<String> names;

  Fields(List<String> names) {
    this.names = names;
  }

  @Override
  public String[] call(String message) throws IOException {
    if (message == null) {
      return null;
    }
    String[] texts = new String[names.size()];
    boolean[] found = new boolean[names.size()];
    boolean escapes = message.contains("\\u");
    try (JsonParser parser = JSON.createParser(message)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return null;
      }
      while (next(parser, escapes) == JsonToken.FIELD_NAME) {
        int field = names.indexOf(parser.getCurrentName());
        String text = value(parser, message, escapes);
        if (field >= 0 && !found[field]) {
          texts[field] = text;
          found[field] = true;
        }
      }
      return parser.nextToken() == null ? texts : null;
    } catch (JsonProcessingException malformed) {
      return null;
    }
  }

  private static String value(JsonParser parser, String message, boolean escapes)
      throws IOException {
    JsonToken token = next(parser, escapes);
    if (!token.isStructStart()) {
      return token == JsonToken.VALUE_NULL ? null : parser.getText();
    }
    int from = (int) parser.getTokenLocation().getCharOffset();
    for (int depth = 1; depth > 0; ) {
      JsonToken inner = next(parser, escapes);
      depth += inner.isStructStart() ? 1 : inner.isStructEnd() ? -1 : 0;
    }
    return message.substring(from, (int) parser.getCurrentLocation().getCharOffset());
  }

  /** Jackson accepts half of a surrogate pair as an escape; it is not a character. */
  private static JsonToken next(JsonParser parser, boolean escapes) throws IOException {
    JsonToken token = parser.nextToken();
    boolean isText = token == JsonToken.VALUE_STRING || token == JsonToken.FIELD_NAME;
    if (escapes
        && isText
        && parser.getText().codePoints().anyMatch(c -> Character.getType(c) == Character.SURROGATE))
      throw new JsonParseException(parser, "half of a surrogate pair");
    return token;
  }
}
