# procd's shell interface over plain files: an instance is a folder under /tmp/run/procd with one file a parameter,
# one line a value. /sbin/procd-instance supervises it. LIMITS.md says what this does not do.
PROCD_RUN=/tmp/run/procd

procd_lock() { :; }
procd_open_service() {
	PROCD_SERVICE=$1 PROCD_NEW=$PROCD_RUN/new.$$
	rm -rf "$PROCD_NEW"
	mkdir -p "$PROCD_NEW" "$PROCD_RUN/$1"
}
procd_open_instance() { PROCD_INSTANCE=${1:-instance1}; mkdir -p "$PROCD_NEW/$PROCD_INSTANCE"; }
procd_set_param() {
	local type=$1; shift
	: > "$PROCD_NEW/$PROCD_INSTANCE/$type"
	procd_append_param "$type" "$@"
}
procd_append_param() {
	local type=$1 value; shift
	case "$type" in
		env|data|limits|command|netdev|file|respawn|nice|term_timeout|reload_signal|pidfile|user|group|capabilities|facility|stdout|stderr|no_new_privs) ;;
		*) echo "procd shim: unknown parameter $type" >&2; return 1 ;;
	esac
	for value in "$@"; do echo "$value" >> "$PROCD_NEW/$PROCD_INSTANCE/$type"; done
	# procd notices a changed file by its content.
	[ "$type" = file ] && md5sum "$@" > "$PROCD_NEW/$PROCD_INSTANCE/file.sum" 2>/dev/null
	return 0
}
procd_add_jail() {
	local option
	echo "$1" > "$PROCD_NEW/$PROCD_INSTANCE/jail"
	shift
	for option in "$@"; do echo "$option" >> "$PROCD_NEW/$PROCD_INSTANCE/jail"; done
}
procd_add_jail_mount() {
	local path
	for path in "$@"; do echo "ro $path" >> "$PROCD_NEW/$PROCD_INSTANCE/mounts"; done
}
procd_add_jail_mount_rw() {
	local path
	for path in "$@"; do echo "rw $path" >> "$PROCD_NEW/$PROCD_INSTANCE/mounts"; done
}
procd_close_instance() { :; }

procd_add_reload_trigger() { echo "config.change $*" >> "$PROCD_NEW/triggers"; }
procd_add_reload_interface_trigger() { echo "interface $1" >> "$PROCD_NEW/triggers"; }
procd_add_interface_trigger() { echo "interface $2" >> "$PROCD_NEW/triggers"; }
# EVENT (or interface.*) MILLISECONDS COMMAND…, which is the service's own reload, with a word, here.
procd_add_raw_trigger() {
	case "$1 $3 $4" in
		"interface.* /etc/init.d/$PROCD_SERVICE reload")
			echo "interface .*" >> "$PROCD_NEW/triggers"
			echo "$5" > "$PROCD_RUN/$PROCD_SERVICE/interface-word"
			;;
		*) echo "procd shim: unknown raw trigger $*" >&2; return 1 ;;
	esac
}
procd_open_trigger() { :; }
procd_close_trigger() { :; }
procd_add_validation() { :; }

# uci_load_validate PACKAGE TYPE SECTION FUNCTION OPTION:TYPE[:DEFAULT]…: of the types bool and string only.
uci_load_validate() {
	local package=$1 section=$3 function=$4 word name kind default value failed=0
	shift 4
	for word in "$@"; do eval "local ${word%%:*}"; done
	config_load "$package" || failed=1
	for word in "$@"; do
		name=${word%%:*} kind=${word#*:} default=
		case "$kind" in *:*) default=${kind#*:} kind=${kind%%:*} ;; esac
		config_get value "$section" "$name" "$default"
		case "$kind/$value" in
			bool/1|bool/on|bool/true|bool/yes|bool/enabled) value=1 ;;
			bool/0|bool/off|bool/false|bool/no|bool/disabled) value=0 ;;
			bool/*) failed=1 value= ;;
			string/*) ;;
			*) echo "procd shim: type $kind is not known" >&2; failed=1 ;;
		esac
		eval "$name=\$value"
	done
	[ -n "$function" ] || return $failed
	"$function" "$section" "$failed"
}

procd_close_service() {
	local new old name
	service_triggers
	[ -f "$PROCD_NEW/triggers" ] && mv "$PROCD_NEW/triggers" "$PROCD_RUN/$PROCD_SERVICE/triggers"
	if [ "$1" = set ]; then
		for old in "$PROCD_RUN/$PROCD_SERVICE"/*/; do
			[ -d "$old" ] && [ ! -d "$PROCD_NEW/$(basename "$old")" ] && procd_stop_instance "$old"
		done
	fi
	for new in "$PROCD_NEW"/*/; do
		[ -d "$new" ] || continue
		name=$(basename "$new")
		procd_set_instance "$new" "$PROCD_RUN/$PROCD_SERVICE/$name"
	done
	rm -rf "$PROCD_NEW"
}

procd_set_instance() {
	local new=$1 old=$2
	if procd_alive "$old"; then
		procd_same "$new" "$old" && return 0
		if [ -s "$new/reload_signal" ]; then
			cp "$new"/* "$old"/
			kill -"$(cat "$new/reload_signal")" "$(cat "$old/pid")"
			return 0
		fi
		procd_stop_instance "$old"
	fi
	rm -rf "$old"
	cp -r "$new" "$old"
	[ -s "$old/command" ] || return 0
	setsid /sbin/procd-instance "$old" </dev/null >/dev/null 2>&1 &
}

procd_same() {
	local file
	for file in "$1"/*; do
		case "${file##*/}" in data|stdout|stderr) continue ;; esac # as procd: not compared
		cmp -s "$file" "$2/${file##*/}" || return 1
	done
	for file in command env limits jail mounts nice user group; do
		[ -e "$2/$file" ] && [ ! -e "$1/$file" ] && return 1
	done
	return 0
}

procd_alive() { [ -s "$1/supervisor" ] && kill -0 "$(cat "$1/supervisor")" 2>/dev/null; }

# SIGTERM to the process itself (not to its group), SIGKILL after term_timeout seconds: as procd does. A jail kills what
# it holds by itself, so procd waits for it.
procd_stop_instance() {
	local dir=${1%/} left
	procd_alive "$dir" || { rm -rf "$dir"; return 0; }
	touch "$dir/halt"
	left=$(cat "$dir/term_timeout" 2>/dev/null || echo 5)
	left=$((left * 10))
	[ -s "$dir/jail" ] && left=$((left + 50))
	kill -TERM "$(cat "$dir/pid")" 2>/dev/null
	while procd_alive "$dir" && [ $left -gt 0 ]; do usleep 100000; left=$((left - 1)); done
	if procd_alive "$dir"; then
		logger -t procd "Instance $dir not stopped on SIGTERM, sending SIGKILL instead"
		kill -KILL "$(cat "$dir/pid")" 2>/dev/null
		while procd_alive "$dir"; do usleep 100000; done
	fi
	rm -rf "$dir"
}

procd_kill() {
	local dir
	for dir in "$PROCD_RUN/$1"/${2:-*}/; do [ -d "$dir" ] && procd_stop_instance "$dir"; done
	[ -n "$2" ] || rm -rf "$PROCD_RUN/$1"
}

procd_running() {
	local dir
	for dir in "$PROCD_RUN/$1"/${2:-*}/; do procd_alive "${dir%/}" && return 0; done
	return 1
}

procd_send_signal() {
	local dir
	for dir in "$PROCD_RUN/$1"/*/; do [ -s "$dir/pid" ] && kill -"${3:-HUP}" "$(cat "$dir/pid")"; done
}
