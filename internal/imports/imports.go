// Package imports holds the test that imports point one way.
//
// In a nutshell: docs/ARCHITECTURE.md draws the graph of packages; the table in
// imports_test.go is that graph, and the test holds the source against it.
package imports
