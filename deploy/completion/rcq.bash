# shellcheck shell=bash
# Completion of rcq for bash: commands, options and their values as `rcq --help` and `rcq COMMAND --help` say them, jobs as
# the database knows them (asked with the options for the connection that stand on the line, for a second at most).

# Lines of the help, those that go on in the next one joined.
_rcq_help() { command "$1" "${@:2}" --help 2>/dev/null | awk '/^     +[^ ]/ && name { print name $0; name = ""; next } name { print name; name = "" } /^  -[^ ]* ?[^ ]*$/ { name = $0; next } { print } END { if (name) print name }'; }

_rcq_commands() { _rcq_help "$1" | awk '/^Subcommands:/ { inside = 1; next } /^[^ ]/ { inside = 0 } inside && /^  [a-z]/ { print $1 }'; }

_rcq_options() { # PROGRAM [COMMAND]
    _rcq_help "$@" | awk '/^Options:/ { inside = 1; next } /^[^ ]/ { inside = 0 } inside && /^  -/ { gsub(",", "\n", $1); print $1 }'
}

# What an option is called in the help, beside its names: "{auto,always,never}"; empty for one that takes no value.
_rcq_value() { # OPTION PROGRAM [COMMAND]
    _rcq_help "${@:2}" | awk -v option="$1" '/^Options:/ { inside = 1; next } /^[^ ]/ { inside = 0 }
        inside && /^  -/ { count = split($1, names, ","); for (i = 1; i <= count; i++) if (names[i] == option) { if (match($0, /^  [^ ]+ [^ ]/)) print $2; exit } }'
}

# What stands behind a command: JOB, FILE; empty when nothing does.
_rcq_positional() { _rcq_help "$@" | awk '/^Positionals:/ { getline; print $1; exit }'; }

# Jobs that a command is about: those that have not ended, those that have, or both.
_rcq_jobs() { # COMMAND PROGRAM [OPTION ...]
    local lists=queue list
    case $1 in
        resubmit) lists=history ;;
        show | explain | logs | wait | efficiency) lists='queue history' ;;
    esac
    for list in $lists; do
        timeout 1 "${@:2}" "$list" --limit 100 --json 2>/dev/null | grep -oE '"id": ?[0-9]+' | grep -oE '[0-9]+'
    done
}

_rcq() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]} chosen='' value='' word i
    local -a connection=() help
    COMPREPLY=()
    # --name=value stands in three words, of which the last may be missing
    if [[ $current == '=' ]]; then
        current=''
    elif [[ $before == '=' ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
            -d | --dsn | --service | --color)
                [[ ${COMP_WORDS[i + 1]} != '=' ]] || i=$((i + 1))
                i=$((i + 1))
                if ((i < COMP_CWORD)) && [[ $word != --color && -z $chosen ]]; then connection+=("$word" "${COMP_WORDS[i]}"); fi
                ;;
            -*) ;;
            *) [[ -n $chosen ]] || chosen=$word ;;
        esac
    done
    help=("$program")
    [[ -z $chosen ]] || help+=("$chosen")

    if [[ $before == -* && $current != -* ]]; then
        value=$(_rcq_value "$before" "${help[@]}")
        [[ -n $value || -z $chosen ]] || value=$(_rcq_value "$before" "$program")
    fi
    case $value in
        *'{'*'}'*) # choices, as a list where several may be given
            value=${value#*\{}
            value=${value%%\}*}
            mapfile -t COMPREPLY < <(compgen -W "${value//,/ }" -- "$current")
            ;;
        *'|'*) mapfile -t COMPREPLY < <(compgen -W "${value//|/ }" -- "$current") ;;
        FILE*) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
        DIR*) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
        ?*) ;; # whatever it may be
        *)
            if [[ $current == -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$(_rcq_options "${help[@]}") $(_rcq_options "$program")" -- "$current" | sort -u)
            elif [[ -z $chosen ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$(_rcq_commands "$program")" -- "$current")
            else
                case $(_rcq_positional "${help[@]}") in
                    JOB*) mapfile -t COMPREPLY < <(compgen -W "$(_rcq_jobs "$chosen" "$program" "${connection[@]}")" -- "$current") ;;
                    FILE) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
                esac
            fi
            ;;
    esac
}
complete -F _rcq -o filenames rcq
