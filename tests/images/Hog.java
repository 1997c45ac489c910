import java.lang.reflect.Field;
import sun.misc.Unsafe;

/** Says that it is ready; with the word "native" it then takes memory that no option of java limits. */
public final class Hog {
    private Hog() {}

    public static void main(String[] words) throws Exception {
        System.out.println("java is ready");
        if (words.length > 0 && words[0].equals("native")) {
            Field field = Unsafe.class.getDeclaredField("theUnsafe");
            field.setAccessible(true);
            Unsafe unsafe = (Unsafe) field.get(null);
            for (int i = 0; i < 1024; i++) {
                long address = unsafe.allocateMemory(1 << 20);
                unsafe.setMemory(address, 1 << 20, (byte) 1);
            }
        }
        Thread.sleep(Long.MAX_VALUE);
    }
}
