# Sourced from /etc/hotplug.d/ntp when NTP has news. The daemon trusts the clock once this file is there: before, it is as old
# as the last write to /etc. A stratum of 16 means that no server is followed.
case "$ACTION/${stratum:-0}" in
	*/16) ;;
	step/*|stratum/*|periodic/*) [ ! -d /var/run/privacy-agent ] || : > /var/run/privacy-agent/clock-confirmed ;;
esac
