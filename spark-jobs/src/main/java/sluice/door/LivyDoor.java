package sluice.door;

import java.io.IOException;
import java.util.Properties;
import javax.servlet.ServletException;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.apache.hadoop.security.authentication.server.AuthenticationHandler;
import org.apache.hadoop.security.authentication.server.AuthenticationToken;

/**
 * The {@link Door} of Livy, as {@code livy.server.auth.<type>.class} names it. Parameter {@code
 * secretFile}: a path. Livy asks {@link #managementOperation} at every request and {@link
 * #authenticate} unless its signed cookie is there.
 */
public final class LivyDoor implements AuthenticationHandler {
  private static final int MISDIRECTED = 421;

  private Door door;

  @Override
  public String getType() {
    return "sluice";
  }

  @Override
  public void init(Properties config) throws ServletException {
    try {
      door = new Door(config.getProperty("secretFile"));
    } catch (IOException e) {
      throw new ServletException(e);
    }
  }

  @Override
  public boolean managementOperation(
      AuthenticationToken token, HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    String refusal = Door.refusal(request.getMethod(), request.getRequestURI(), request::getHeader);
    if (refusal != null) response.sendError(MISDIRECTED, refusal);
    return refusal == null;
  }

  @Override
  public AuthenticationToken authenticate(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    if (door.knows(request.getHeader("Authorization")))
      return new AuthenticationToken(Door.USER, Door.USER, getType());
    response.setHeader("WWW-Authenticate", Door.CHALLENGE);
    response.sendError(HttpServletResponse.SC_UNAUTHORIZED);
    return null;
  }

  @Override
  public void destroy() {}
}
