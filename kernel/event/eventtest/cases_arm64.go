package eventtest

// Calls that this machine does without.
var oldOpenCases, legacyCases, i386Cases, x32Cases []Case

func (p *Prog) creatOn(string, uint32) {}
