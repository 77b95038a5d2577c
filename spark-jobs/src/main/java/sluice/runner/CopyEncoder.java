package sluice.runner;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.Arrays;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.Platform;
import org.apache.spark.unsafe.types.UTF8String;
import org.postgresql.copy.CopyIn;

/**
 * Encodes Spark's rows in PostgreSQL's binary COPY format, straight from their bytes. Both sides
 * count dates and times in the Gregorian calendar, Spark from 1970 and PostgreSQL from 2000.
 */
final class CopyEncoder {
  private static final int BUFFER = 1 << 16;
  private static final byte[] HEADER = "PGCOPY\n\377\r\n\0".getBytes(StandardCharsets.ISO_8859_1);
  private static final int DAYS_TO_2000 = 10_957;
  private static final long MICROS_TO_2000 = DAYS_TO_2000 * 86_400_000_000L;

  /** PostgreSQL's numeric has digits from 0 to 9999. */
  private static final int BASE = 10_000;

  private static final int DECIMALS_PER_DIGIT = 4;
  private static final long[] POWERS = {1, 10, 100, 1000};

  /** Larger ones overflow a long when padded. */
  private static final long LARGEST_SMALL = Long.MAX_VALUE / 1000;

  private static final BigInteger BIG_BASE = BigInteger.valueOf(BASE);

  private final CopyIn copy;
  private final Column[] columns;
  private final short[] digits = new short[16];
  private ByteBuffer buffer = ByteBuffer.allocate(BUFFER);

  /** A column by its type: that of PostgreSQL, and how a value is written. */
  private interface Column {
    void write(CopyEncoder to, InternalRow row, int field);
  }

  CopyEncoder(CopyIn copy, StructType schema) {
    this.copy = copy;
    this.columns =
        Arrays.stream(schema.fields())
            .map(field -> columnOf(field.dataType()))
            .toArray(Column[]::new);
    buffer.put(HEADER).putInt(0).putInt(0);
  }

  void write(InternalRow row) throws SQLException {
    if (buffer.position() >= BUFFER / 2) {
      flush();
    }
    buffer.putShort((short) columns.length);
    for (int field = 0; field < columns.length; field++) {
      if (row.isNullAt(field)) {
        room(Integer.BYTES).putInt(-1);
      } else {
        columns[field].write(this, row, field);
      }
    }
    room(Short.BYTES);
  }

  /** Sends the rest and the end mark. */
  void finish() throws SQLException {
    buffer.putShort((short) -1);
    flush();
  }

  private void flush() throws SQLException {
    copy.writeToCopy(buffer.array(), 0, buffer.position());
    buffer.clear();
  }

  /** The buffer, with room for so many bytes and for the length of a row. */
  private ByteBuffer room(int bytes) {
    int needed = bytes + Short.BYTES;
    if (buffer.remaining() < needed) {
      int size = Math.max(buffer.capacity() * 2, Math.addExact(buffer.position(), needed));
      byte[] larger = Arrays.copyOf(buffer.array(), size);
      buffer = ByteBuffer.wrap(larger).position(buffer.position());
    }
    return buffer;
  }

  private static Column columnOf(DataType type) {
    if (type.equals(DataTypes.StringType))
      return (to, row, field) -> to.text(row.getUTF8String(field));
    if (type.equals(DataTypes.IntegerType))
      return (to, row, field) -> to.room(8).putInt(4).putInt(row.getInt(field));
    if (type.equals(DataTypes.LongType))
      return (to, row, field) -> to.room(12).putInt(8).putLong(row.getLong(field));
    if (type.equals(DataTypes.ShortType))
      return (to, row, field) -> to.room(6).putInt(2).putShort(row.getShort(field));
    if (type.equals(DataTypes.ByteType))
      return (to, row, field) -> to.room(6).putInt(2).putShort(row.getByte(field));
    if (type.equals(DataTypes.DoubleType))
      return (to, row, field) -> to.room(12).putInt(8).putDouble(row.getDouble(field));
    if (type.equals(DataTypes.FloatType))
      return (to, row, field) -> to.room(8).putInt(4).putFloat(row.getFloat(field));
    if (type.equals(DataTypes.BooleanType))
      return (to, row, field) -> to.room(5).putInt(1).put((byte) (row.getBoolean(field) ? 1 : 0));
    if (type.equals(DataTypes.DateType)) return (to, row, field) -> to.date(row.getInt(field));
    if (type.equals(DataTypes.TimestampType) || type.equals(DataTypes.TimestampNTZType))
      return (to, row, field) -> to.timestamp(row.getLong(field));
    DecimalType decimal = (DecimalType) type;
    int precision = decimal.precision();
    int scale = decimal.scale();
    boolean isLong = precision <= Decimal.MAX_LONG_DIGITS();
    return (to, row, field) -> to.decimal(row.getDecimal(field, precision, scale), isLong, scale);
  }

  private void text(UTF8String value) {
    int bytes = value.numBytes();
    room(Integer.BYTES + bytes);
    int start = buffer.position() + Integer.BYTES;
    byte[] target = buffer.array();
    value.writeToMemory(target, Platform.BYTE_ARRAY_OFFSET + start);
    for (int i = start; i < start + bytes; i++) {
      if (target[i] < 0) {
        // Text that is not valid UTF-8 gets replacement characters.
        byte[] valid = value.toString().getBytes(StandardCharsets.UTF_8);
        room(Integer.BYTES + valid.length).putInt(valid.length).put(valid);
        return;
      }
    }
    buffer.putInt(bytes).position(start + bytes);
  }

  private void date(int days) {
    int since2000 = Math.subtractExact(days, DAYS_TO_2000);
    // PostgreSQL reads the extremes as infinity.
    if (since2000 == Integer.MIN_VALUE) {
      throw new ArithmeticException("date out of range");
    }
    room(8).putInt(4).putInt(since2000);
  }

  private void timestamp(long micros) {
    long since2000 = Math.subtractExact(micros, MICROS_TO_2000);
    if (since2000 == Long.MIN_VALUE) {
      throw new ArithmeticException("timestamp out of range");
    }
    room(12).putInt(8).putLong(since2000);
  }

  /** Digits from the last to the first; the last has the end of the decimal places. */
  private void decimal(Decimal value, boolean isLong, int scale) {
    int fraction = (scale + DECIMALS_PER_DIGIT - 1) / DECIMALS_PER_DIGIT;
    long pad = POWERS[fraction * DECIMALS_PER_DIGIT - scale];
    int count = 0;
    boolean isNegative;
    long small = isLong ? value.toUnscaledLong() : 0;
    if (isLong && Math.abs(small) < LARGEST_SMALL) {
      isNegative = small < 0;
      for (long rest = Math.abs(small) * pad; rest > 0; rest /= BASE) {
        digits[count++] = (short) (rest % BASE);
      }
    } else {
      BigInteger unscaled = value.toJavaBigDecimal().unscaledValue();
      isNegative = unscaled.signum() < 0;
      BigInteger rest = unscaled.abs().multiply(BigInteger.valueOf(pad));
      while (rest.signum() > 0) {
        BigInteger[] parts = rest.divideAndRemainder(BIG_BASE);
        digits[count++] = parts[1].shortValue();
        rest = parts[0];
      }
    }
    room(12 + 2 * count)
        .putInt(8 + 2 * count)
        .putShort((short) count)
        .putShort((short) (count == 0 ? 0 : count - fraction - 1))
        .putShort((short) (isNegative ? 0x4000 : 0))
        .putShort((short) scale);
    for (int i = count - 1; i >= 0; i--) {
      buffer.putShort(digits[i]);
    }
  }
}
