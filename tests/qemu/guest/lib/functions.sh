# The shell functions of OpenWrt's base files that our package scripts use: UCI reading, users, package hooks.
N='
'

append() {
	local sep="${3:- }" old
	eval "old=\$$1"
	eval "$1=\${old:+\$old\$sep}\$2"
}

list_contains() {
	local all
	eval "all=\" \$$1 \""
	case "$all" in *" $2 "*) return 0 ;; esac
	return 1
}

# UCI. A line of a configuration file is shell words: config TYPE [NAME], option NAME VALUE, list NAME VALUE.
config_load() {
	local line file="/etc/config/$1"
	CONFIG_SECTIONS='' CONFIG_SECTION='' CONFIG_COUNT=0
	[ -f "$file" ] || return 1
	while read -r line; do
		case "$line" in config\ *|option\ *|list\ *|config"	"*|option"	"*|list"	"*) eval "uci_$line" ;; esac
	done < "$file"
}
uci_config() {
	CONFIG_COUNT=$((CONFIG_COUNT + 1))
	CONFIG_SECTION="${2:-cfg$CONFIG_COUNT}"
	append CONFIG_SECTIONS "$CONFIG_SECTION"
	config_set "$CONFIG_SECTION" TYPE "$1"
}
uci_option() { config_set "$CONFIG_SECTION" "$1" "$2"; }
uci_list() { append "CONFIG_${CONFIG_SECTION}_$1" "$2"; }
config_set() { eval "CONFIG_${1}_$2=\$3"; }
config_get() {
	eval "$1=\${CONFIG_${2}_$3:-\$4}"
}
config_get_bool() {
	local _value
	config_get _value "$2" "$3" "$4"
	case "$_value" in
		1|on|true|yes|enabled) _value=1 ;;
		0|off|false|no|disabled) _value=0 ;;
		*) _value=$4 ;;
	esac
	eval "$1=$_value"
}
config_foreach() {
	local section type function="$1" wanted="$2"
	shift; [ $# -gt 0 ] && shift
	for section in $CONFIG_SECTIONS; do
		config_get type "$section" TYPE
		[ -n "$wanted" ] && [ "$wanted" != "$type" ] && continue
		"$function" "$section" "$@"
	done
}

user_exists() { grep -qs "^$1:" /etc/passwd; }
group_exists() { grep -qs "^$1:" /etc/group; }
user_add() { echo "$1:x:$2:$3:$1:/var/run/$1:/bin/false" >> /etc/passwd; echo "$1:x:0:0:99999:7:::" >> /etc/shadow; }
group_add() { echo "$1:x:$2:" >> /etc/group; }

free_id() {
	local id=32768
	while grep -qs "^[^:]*:x:$id:" /etc/passwd /etc/group; do id=$((id + 1)); done
	echo $id
}

# "name=uid:group=gid" of the control file's Require-User, with free numbers from 32768 where it names none.
add_group_and_user() {
	local tuple user group uid gid
	for tuple in $(sed -n 's/^Require-User: *//p' "/usr/lib/opkg/info/$1.control"); do
		user=${tuple%%:*} group=${tuple#*:}
		uid=${user#*=} gid=${group#*=} user=${user%%=*} group=${group%%=*}
		[ "$uid" = "$user" ] && uid=$(free_id)
		[ "$gid" = "$group" ] && gid=$uid
		group_exists "$group" || group_add "$group" "$gid"
		user_exists "$user" || user_add "$user" "$uid" "$gid"
	done
}

default_postinst() {
	local name list script result=0
	name=$(basename "${1%.*}")
	list="/usr/lib/opkg/info/$name.list"
	add_group_and_user "$name"
	for script in $(grep -s '^/etc/uci-defaults/' "$list"); do
		[ -f "$script" ] && ( cd /etc/uci-defaults && . "$script" ) && rm -f "$script"
	done
	if [ -f "/usr/lib/opkg/info/$name.postinst-pkg" ]; then
		( . "/usr/lib/opkg/info/$name.postinst-pkg" )
		result=$?
	fi
	for script in $(grep -s '^/etc/init.d/' "$list"); do
		[ "$PKG_UPGRADE" = 1 ] || "$script" enable
		"$script" start
	done
	return $result
}

default_prerm() {
	local name list script result=0
	name=$(basename "${1%.*}")
	list="/usr/lib/opkg/info/$name.list"
	if [ -f "/usr/lib/opkg/info/$name.prerm-pkg" ]; then
		( . "/usr/lib/opkg/info/$name.prerm-pkg" )
		result=$?
	fi
	for script in $(grep -s '^/etc/init.d/' "$list"); do
		[ "$PKG_UPGRADE" = 1 ] || "$script" disable
		"$script" stop
	done
	return $result
}
