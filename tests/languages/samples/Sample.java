package com.ex;
import com.ex.Other;
/** A <b>demo</b> with {@code x} and {@link Other}.
 * <pre>{@code
 * new Demo(1);
 * }</pre>
 * @param <T> type */
@Deprecated
public sealed class Demo<T> extends Other implements I {
  /** The max. */
  public static final int MAX = 1, MIN = 0;
  private int secret;
  public Demo(int z) {}
  /** Says.
   * @param a the a
   * @param b the b
   * @return words
   * @throws IOException bad */
  public String say(final int a, String... b) throws java.io.IOException { Other.go(); throw new IllegalStateException("x"); }
  public void say(int a) {}
  public enum K { ONE, TWO; public int n() { return 1; } }
  public record R(int a, String b) {}
  public interface Inner { void m(); default int n() { return 1; } }
}
