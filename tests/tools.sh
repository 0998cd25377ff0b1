# Sourced by tests/run and .ci/run: programs that come prebuilt from PyPI, each of an exact version in a place of its
# own under target/tools, installed once. Needs $root, the project's root.

# program PACKAGE VERSION NAME: prints the path of a program, having installed its package if need be.
program() {
    local home="$root/target/tools/$1-$2"
    if [ ! -e "$home/.installed" ]; then
        echo "installing $1 $2 into target/tools" >&2
        rm -rf "$home"
        if ! { python3 -m venv --without-pip "$home" &&
            python3 -m pip --python "$home/bin/python" install --quiet --disable-pip-version-check "$1==$2" &&
            touch "$home/.installed"; } >&2; then
            echo "$1 $2 could not be installed: this needs Python 3 with pip (apt-get install python3-pip)" >&2
            return 1
        fi
    fi
    echo "$home/bin/$3"
}
