package pgparse

func checkText(text string) error { return nil }
