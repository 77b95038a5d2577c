package sluice.runner;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.lang.reflect.Proxy;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;
import org.junit.jupiter.api.Test;
import org.postgresql.copy.CopyIn;

/** Tests the bytes of PostgreSQL's binary COPY format. The integration tests send them. */
class CopyEncoderTest {
  @Test
  void aFileHasAHeaderRowsAndAnEndMark() throws Exception {
    ByteBuffer bytes = encoded(DataTypes.IntegerType, 7, null);

    byte[] header = new byte[11];
    bytes.get(header);
    assertArrayEquals("PGCOPY\n\377\r\n\0".getBytes(StandardCharsets.ISO_8859_1), header);
    assertEquals(0, bytes.getLong());
    assertEquals(1, bytes.getShort());
    assertEquals(4, bytes.getInt());
    assertEquals(7, bytes.getInt());
    assertEquals(1, bytes.getShort());
    assertEquals(-1, bytes.getInt());
    assertEquals(-1, bytes.getShort());
    assertEquals(0, bytes.remaining());
  }

  @Test
  void datesAndTimesCountFromTheYear2000() throws Exception {
    assertEquals(-1, first(encoded(DataTypes.DateType, 10_956)).getInt());
    assertEquals(1, first(encoded(DataTypes.TimestampType, 946_684_800_000_001L)).getLong());
  }

  @Test
  void textsOfAnyLengthArriveWholeAndWhatIsNoTextIsReplaced() throws Exception {
    String text = "Привет, \"мир\"\n";
    for (String each : List.of("", "x", text, "x".repeat(200_000), text.repeat(20_000))) {
      ByteBuffer value = first(encoded(DataTypes.StringType, UTF8String.fromString(each)));
      assertEquals(each, StandardCharsets.UTF_8.decode(value).toString());
    }
    UTF8String broken = UTF8String.fromBytes(new byte[] {'a', (byte) 0xff, 'b'});
    ByteBuffer value = first(encoded(DataTypes.StringType, broken));
    assertEquals("a\uFFFDb", StandardCharsets.UTF_8.decode(value).toString());
  }

  @Test
  void decimalsOfAnyPrecisionAndScaleKeepTheirValue() throws Exception {
    Random random = new Random(1);
    List<String> digits =
        new ArrayList<>(List.of("0", "1", "9999", "10000", "9".repeat(18), "9".repeat(38)));
    for (int i = 0; i < 300; i++) {
      digits.add(new BigInteger(1 + random.nextInt(120), random).toString());
    }
    for (String each : digits) {
      for (int scale = 0; scale <= 38; scale++) {
        for (int precision : new int[] {18, 38}) {
          BigDecimal value = new BigDecimal(new BigInteger(each), scale);
          if (each.length() <= precision && scale <= precision) {
            check(value, precision, scale);
            check(value.negate(), precision, scale);
          }
        }
      }
    }
  }

  private static void check(BigDecimal value, int precision, int scale) throws Exception {
    DataType type = DataTypes.createDecimalType(precision, scale);
    ByteBuffer bytes = first(encoded(type, Decimal.apply(value, precision, scale)));
    int count = bytes.getShort();
    int weight = bytes.getShort();
    boolean isNegative = bytes.getShort() == 0x4000;
    assertEquals(scale, bytes.getShort());
    BigDecimal sum = BigDecimal.ZERO;
    for (int i = 0; i < count; i++) {
      int digit = bytes.getShort();
      sum = sum.add(BigDecimal.valueOf(digit).scaleByPowerOfTen(4 * (weight - i)));
    }
    assertEquals(0, value.compareTo(isNegative ? sum.negate() : sum), value::toPlainString);
    assertEquals(0, bytes.remaining());
  }

  /** The value of the first row. */
  private static ByteBuffer first(ByteBuffer bytes) {
    bytes.position(19 + Short.BYTES);
    int length = bytes.getInt();
    return bytes.slice().limit(length);
  }

  private static ByteBuffer encoded(DataType type, Object... values) throws Exception {
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    CopyIn copy =
        (CopyIn)
            Proxy.newProxyInstance(
                CopyIn.class.getClassLoader(),
                new Class<?>[] {CopyIn.class},
                (proxy, method, args) -> {
                  sent.write((byte[]) args[0], (int) args[1], (int) args[2]);
                  return null;
                });
    CopyEncoder encoder = new CopyEncoder(copy, new StructType().add("value", type));
    for (Object value : Arrays.asList(values)) {
      encoder.write(new GenericInternalRow(new Object[] {value}));
    }
    encoder.finish();
    return ByteBuffer.wrap(sent.toByteArray());
  }
}
