import java.util.function.IntUnaryOperator;

/** A class of usual size: loaded thousands of times over under other names of the same length. */
public class Template00000 implements IntUnaryOperator {
    private int field0 = 0;
    private int field1 = 1;
    private int field2 = 2;
    private int field3 = 3;
    private String name0 = "name0";
    private String name1 = "name1";

    @Override
    public int applyAsInt(int value) {
        int sum = value;
        sum += step0(sum, name0);
        sum += step1(sum, name1);
        sum += step2(sum, name0);
        sum += step3(sum, name1);
        sum += step4(sum, name0);
        sum += step5(sum, name1);
        return sum;
    }

    int step0(int value, String text) {
        int sum = field0 + value;
        for (int at = 0; at < (value & 7); at++) {
            sum = sum * 31 + text.charAt(at % text.length()) ^ field1;
        }
        if ((sum & 1) == 0) {
            field0 = sum + 0;
        } else {
            name0 = text.isEmpty() ? "step0" : name1;
        }
        return Math.max(sum, Integer.rotateLeft(sum, 1)) + text.hashCode();
    }

    int step1(int value, String text) {
        int sum = field1 + value;
        for (int at = 0; at < (value & 7); at++) {
            sum = sum * 31 + text.charAt(at % text.length()) ^ field2;
        }
        if ((sum & 2) == 0) {
            field1 = sum + 7919;
        } else {
            name1 = text.isEmpty() ? "step1" : name0;
        }
        return Math.max(sum, Integer.rotateLeft(sum, 2)) + text.hashCode();
    }

    int step2(int value, String text) {
        int sum = field2 + value;
        for (int at = 0; at < (value & 7); at++) {
            sum = sum * 31 + text.charAt(at % text.length()) ^ field3;
        }
        if ((sum & 4) == 0) {
            field2 = sum + 15838;
        } else {
            name0 = text.isEmpty() ? "step2" : name1;
        }
        return Math.max(sum, Integer.rotateLeft(sum, 3)) + text.hashCode();
    }

    int step3(int value, String text) {
        int sum = field3 + value;
        for (int at = 0; at < (value & 7); at++) {
            sum = sum * 31 + text.charAt(at % text.length()) ^ field0;
        }
        if ((sum & 8) == 0) {
            field3 = sum + 23757;
        } else {
            name1 = text.isEmpty() ? "step3" : name0;
        }
        return Math.max(sum, Integer.rotateLeft(sum, 4)) + text.hashCode();
    }

    int step4(int value, String text) {
        int sum = field0 + value;
        for (int at = 0; at < (value & 7); at++) {
            sum = sum * 31 + text.charAt(at % text.length()) ^ field1;
        }
        if ((sum & 16) == 0) {
            field0 = sum + 31676;
        } else {
            name0 = text.isEmpty() ? "step4" : name1;
        }
        return Math.max(sum, Integer.rotateLeft(sum, 5)) + text.hashCode();
    }

    int step5(int value, String text) {
        int sum = field1 + value;
        for (int at = 0; at < (value & 7); at++) {
            sum = sum * 31 + text.charAt(at % text.length()) ^ field2;
        }
        if ((sum & 32) == 0) {
            field1 = sum + 39595;
        } else {
            name1 = text.isEmpty() ? "step5" : name0;
        }
        return Math.max(sum, Integer.rotateLeft(sum, 6)) + text.hashCode();
    }
}
