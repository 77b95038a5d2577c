package sluice.door;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DoorTest {
  @Test
  void opensToTheSecretAlone(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("secret"), "s3cret\n");
    Door door = new Door(file.toString());
    assertTrue(door.knows(basic("sluice:s3cret")));
    for (String wrong : new String[] {null, "", "Basic ", basic("sluice:"), basic("root:s3cret")})
      assertFalse(door.knows(wrong));
    Files.writeString(file, "\n");
    assertThrows(IOException.class, () -> new Door(file.toString()));
  }

  private static String basic(String login) {
    return "Basic " + Base64.getEncoder().encodeToString(login.getBytes());
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      value = {
        "GET, /, 127.0.0.1:8080, -, -, -, true",
        "GET, /, localhost, -, -, -, true",
        "GET, /, [::1]:80, none, navigate, -, true",
        "GET, /, evil.example:8080, -, -, -, false",
        "GET, /, 127.0.0.1.evil.example, -, -, -, false",
        "GET, /, evil@127.0.0.1.example, -, -, -, false",
        "GET, /, -, -, -, -, false",
        "GET, /, not a host, -, -, -, false",
        "POST, /app/kill/, localhost:8080, same-origin, navigate, http://localhost:8080, true",
        "POST, /app/kill/, localhost:8080, cross-site, navigate, http://evil.example, false",
        "POST, /app/kill/, localhost:8080, same-site, navigate, http://localhost:3000, false",
        "POST, /app/kill/, localhost:8080, -, -, http://evil.example, false",
        "POST, /app/kill/, localhost:8080, -, -, null, false",
        "GET, /, localhost:8080, cross-site, navigate, -, true",
        "GET, /json/, localhost:8080, cross-site, no-cors, -, false",
        "GET, /jobs/job/kill/, localhost:8080, cross-site, navigate, -, false",
        "GET, /jobs/job/%6bill/, localhost:8080, cross-site, navigate, -, false",
        "GET, /jobs/job/%6Bill/, localhost:8080, same-site, navigate, -, false",
        "GET, /jobs/job/%6bill/, localhost:8080, same-origin, navigate, -, true"
      })
  void refusesOtherHostsAndOtherSites(
      String method,
      String path,
      String host,
      String site,
      String mode,
      String origin,
      boolean ok) {
    Map<String, String> headers = new java.util.HashMap<>();
    headers.put("Host", host);
    headers.put("Sec-Fetch-Site", site);
    headers.put("Sec-Fetch-Mode", mode);
    headers.put("Origin", origin);
    assertEquals(ok, Door.refusal(method, path, headers::get) == null);
  }
}
