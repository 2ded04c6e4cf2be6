package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

var (
	errNoTerminal = errors.New("standard input is not a terminal")
	errGivenUp    = errors.New("given up; nothing was changed")
)

// isTerminal reports whether a stream of the process is one.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(file.Fd()), getTermios)
	return err == nil
}

// askHidden asks for a line and does not show what is typed. The terminal is as
// before when it returns, also after Ctrl-C, which is errGivenUp.
func askHidden(stream io.Reader, out io.Writer, prompt string) (line string, err error) {
	file, ok := stream.(*os.File)
	if !ok {
		return "", errNoTerminal
	}
	terminal := int(file.Fd())
	before, err := unix.IoctlGetTermios(terminal, getTermios)
	if err != nil {
		return "", errNoTerminal
	}
	hidden := *before
	// Byte by byte, and signals as bytes: a signal that ended the process would
	// leave the terminal without echo.
	hidden.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
	hidden.Cc[unix.VMIN], hidden.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(terminal, setTermios, &hidden); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, unix.IoctlSetTermios(terminal, setTermios, before)) }()
	// Asked only now: who is quick would see what is typed.
	fmt.Fprint(out, prompt)
	defer fmt.Fprintln(out)
	return readTyped(file)
}

// The bytes that a terminal sends for the keys.
const (
	ctrlC     = 3
	ctrlD     = 4
	backspace = 8
	ctrlU     = 21
	del       = 127
)

// readTyped reads what is typed up to Enter, byte by byte.
func readTyped(from io.Reader) (string, error) {
	var line []byte
	one := make([]byte, 1)
	for len(line) <= maxSecret {
		if _, err := io.ReadFull(from, one); err != nil {
			return "", errGivenUp
		}
		switch one[0] {
		case '\r', '\n':
			return string(line), nil
		case ctrlC, ctrlD:
			return "", errGivenUp
		case ctrlU:
			line = line[:0]
		case backspace, del:
			line = withoutLastRune(line)
		default:
			line = append(line, one[0])
		}
	}
	return "", errors.New("the line is too long")
}

// withoutLastRune cuts off the last character of UTF-8.
func withoutLastRune(line []byte) []byte {
	end := len(line) - 1
	for end > 0 && line[end]&0xC0 == 0x80 {
		end--
	}
	return line[:max(end, 0)]
}

// readLine reads a line of a terminal that edits lines itself.
func readLine(from io.Reader) (string, error) {
	var line []byte
	one := make([]byte, 1)
	for len(line) <= maxSecret {
		if _, err := io.ReadFull(from, one); err != nil {
			return "", errGivenUp
		}
		if one[0] == '\n' {
			return string(line), nil
		}
		line = append(line, one[0])
	}
	return "", errors.New("the line is too long")
}
