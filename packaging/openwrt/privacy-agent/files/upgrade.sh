# Read by sysupgrade, before it lists what it keeps. What goes into a backup is a whole copy of devices, consent and
# ledger, and no history. Wherever it is put back, everything is off until somebody confirms.
privacy_agent_copy() {
	/usr/libexec/privacy-agent/copy-state /etc/privacy-agent/state.db /etc/privacy-agent/kept/state.db
	# A backup that no upgrade follows leaves no second copy: erased means erased.
	( sleep 60; rm -rf /etc/privacy-agent/kept ) >/dev/null 2>&1 &
	return 0
}

# Also where everything changed below /etc is kept (-c), or the household names the folder in /etc/sysupgrade.conf.
privacy_agent_only() {
	sed -i '\,^/etc/privacy-agent/,{\,^/etc/privacy-agent/kept/state\.db$,!d}' "$1"
}

sysupgrade_init_conffiles="privacy_agent_copy $sysupgrade_init_conffiles privacy_agent_only"
