"""What CPython lacks of Java, for scripts that were written for Jython."""
