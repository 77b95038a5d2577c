package sluice.door;

import java.io.IOException;
import javax.servlet.Filter;
import javax.servlet.FilterChain;
import javax.servlet.FilterConfig;
import javax.servlet.ServletException;
import javax.servlet.ServletRequest;
import javax.servlet.ServletResponse;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;

/**
 * The {@link Door} of Spark's web pages ({@code spark.ui.filters}) and of Livy ({@code
 * livy.server.auth.<type>.class}). Parameter {@code secretFile}: a path. For Spark 3 and Livy,
 * whose servlets are {@code javax.servlet}; Spark 4 never loads this class.
 */
public final class DoorFilter implements Filter {
  private static final int MISDIRECTED = 421;

  private Door door;

  @Override
  public void init(FilterConfig config) throws ServletException {
    try {
      door = new Door(config.getInitParameter("secretFile"));
    } catch (IOException e) {
      throw new ServletException(e);
    }
  }

  @Override
  public void doFilter(ServletRequest req, ServletResponse res, FilterChain chain)
      throws IOException, ServletException {
    HttpServletRequest request = (HttpServletRequest) req;
    HttpServletResponse response = (HttpServletResponse) res;
    String refusal = Door.refusal(request.getMethod(), request.getRequestURI(), request::getHeader);
    if (refusal != null) {
      response.sendError(MISDIRECTED, refusal);
    } else if (!door.knows(request.getHeader("Authorization"))) {
      response.setHeader("WWW-Authenticate", Door.CHALLENGE);
      response.sendError(HttpServletResponse.SC_UNAUTHORIZED);
    } else {
      chain.doFilter(req, res);
    }
  }

  @Override
  public void destroy() {}
}
