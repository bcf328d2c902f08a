"""Whether namespaces can be made here: some containers do not let even root do that."""

import functools
import os
import subprocess


@functools.cache
def missing(*kinds: str) -> str:
    """Why namespaces of these kinds ("net", "mount", "pid") can't be made, or "". Not being root is no excuse."""
    if os.geteuid() != 0:
        return "namespaces need root"
    flags = [f"--{kind}" for kind in kinds] + (["--fork"] if "pid" in kinds else [])
    try:
        made = subprocess.run(["unshare", *flags, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unshare is not installed"
    return "" if made.returncode == 0 else f"not here: namespaces ({made.stderr.strip()})"
