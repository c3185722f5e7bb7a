/* SPDX-License-Identifier: Apache-2.0 */
#include "self.h"

int main(int argc, char **argv)
{
#define RUN(name) \
	if (argc > 1 && !strcmp(argv[1], #name)) \
		return name();
	CASES(RUN)
	fprintf(stderr, "usage: self CASE\n");
	return 99;
}
