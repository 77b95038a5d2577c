package sluice.door;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Access control of the local stack's web pages and REST APIs. It accepts a request to a loopback
 * host with the stack's secret as the Basic password of the user {@value #USER}. A page of another
 * site must not have caused it.
 */
final class Door {
  static final String USER = "sluice";
  static final String CHALLENGE = "Basic realm=\"Sluice local stack\", charset=\"UTF-8\"";

  private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "localhost", "[::1]");

  private final byte[] expected;

  /** Reads the secret from a file that only its owner can read. */
  Door(String secretFile) throws IOException {
    String secret = Files.readString(Path.of(secretFile)).trim();
    if (secret.isEmpty()) throw new IOException(secretFile + " is empty");
    String login = Base64.getEncoder().encodeToString((USER + ":" + secret).getBytes(UTF_8));
    expected = ("Basic " + login).getBytes(UTF_8);
  }

  /** Whether the header carries the secret. */
  boolean knows(String authorization) {
    return authorization != null && MessageDigest.isEqual(expected, authorization.getBytes(UTF_8));
  }

  /**
   * The reason to refuse a request with any secret, or null. The Host must be this machine's:
   * otherwise a page could resolve its own name to 127.0.0.1. A browser may follow a link from
   * another site, but do nothing else for that site. A path with an escape could be a disguised
   * kill link; no page of Spark has one.
   */
  static String refusal(String method, String path, UnaryOperator<String> header) {
    String host = header.apply("Host");
    if (host == null || !isLoopback("http://" + host))
      return "the Host must be 127.0.0.1 or localhost";
    String site = header.apply("Sec-Fetch-Site");
    boolean isForeign = "cross-site".equals(site) || "same-site".equals(site);
    boolean isLink =
        method.equals("GET")
            && "navigate".equals(header.apply("Sec-Fetch-Mode"))
            && !path.contains("/kill")
            && !path.contains("%");
    String origin = header.apply("Origin");
    if ((isForeign && !isLink) || (origin != null && !isLoopback(origin)))
      return "a page of another site may not send this request";
    return null;
  }

  private static boolean isLoopback(String url) {
    try {
      String host = URI.create(url).getHost();
      return host != null && LOOPBACK.contains(host);
    } catch (IllegalArgumentException malformed) {
      return false;
    }
  }
}
