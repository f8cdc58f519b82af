// Package demo does things.
package demo

import "fmt"

// A is it.
//
// More on A.
type A struct {
	// X is x.
	X int `json:"x"`
	y string
}

// M does.
//
// Deprecated: use N.
func (a *A) M(x int, ys ...string) (string, error) {
	fmt.Println()
	return F("x"), nil
}

// F is generic.
func F[T any](a T) T { return a }

func hidden() {}

// I is an interface.
type I interface {
	// Do does.
	Do(x int) error
}

type Al = int

const (
	// C1 is one.
	C1 = 1
	c2 = 2
)

var V, W int = 1, 2
