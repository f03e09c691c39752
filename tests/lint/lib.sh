# lib.sh: what the lint tests share.  Each hands the tree to one tool that is Debian's, and first
# shows that the tool objects to a file with a fault.  They need neither root nor the network.
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../house/lib.sh"

# need TOOL PACKAGE: a tool that is missing is a failure, because what was not checked is not right.
need() {
	command -v "$1" >/dev/null && return
	fail "there is $1" <<<"install it with \`make deps\`, or the package $2 by itself"
	exit 1
}

# Files of the tree by a pattern of their names.
tree() { find . -name .git -prune -o -path ./build -prune -o -type f -name "$1" -print | sort; }

scripts() {
	{
		tree '*.sh'
		tree '*' | xargs -d '\n' grep -lIE -m 1 '^#!/bin/(ba)?sh'
	} | sort -u
}
