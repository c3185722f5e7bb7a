package eventtest

// Calls that this machine does without.
var oldOpenCases []Case
