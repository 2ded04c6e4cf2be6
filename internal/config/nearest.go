package config

// nearest returns the known word with the fewest typing errors from word, if
// they are few enough to be errors of typing: up to two, or a third of it.
func nearest(word string, known []string) (string, bool) {
	limit := max(2, len(word)/3)
	best, found := "", false
	for _, candidate := range known {
		if d := distance(word, candidate); d <= limit && d < len(candidate) {
			best, found, limit = candidate, true, d-1
		}
	}
	return best, found
}

// distance is the Damerau-Levenshtein distance (optimal string alignment):
// letters added, lost, changed, or swapped with their neighbour.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
