/** `wherry completion`: a script that makes a shell ask `wherry __complete` for everything. */
import { fail } from "../../base/errors.ts";
import type { Command, Outcome } from "../command.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

export const command: Command = {
  description: "Install it with: source <(wherry completion bash), or as a file in the shell's directory of completions.",
  options: [],
  words: [{ name: SHELLS.join("|") }],
  run(_, input): Outcome {
    const shell = SHELLS.find((each) => each === input.words[0]);
    if (shell === undefined) fail("usage", `Cannot complete for "${input.words[0]}": it must be ${SHELLS.join(", ")}`);
    return { kind: "text", text: SCRIPTS[shell] };
  },
};

/** Every script hands the words before the cursor to `__complete` and gets `word<TAB>summary` lines, or `:files`. */
const SCRIPTS = {
  bash: `_wherry() {
  local words line current=\${COMP_WORDS[COMP_CWORD]} text=\${COMP_LINE:0:COMP_POINT}
  read -ra words <<< "$text"
  [[ $text == *[[:space:]] ]] && words+=("")
  local full=\${words[-1]}
  [[ $current == [=:] ]] && current=
  local before=\${full%"$current"}
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then compopt -o default; return; fi
    line=\${line%%$'\\t'*}
    COMPREPLY+=("\${line#"$before"}")
  done < <("\${words[0]}" __complete -- "\${words[@]:1}" 2>/dev/null)
}
complete -F _wherry wherry
`,
  zsh: `#compdef wherry
_wherry() {
  local line
  local -a described
  for line in "\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == :files ]]; then _files; return; fi
    [[ -n $line ]] && described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe wherry described
}
compdef _wherry wherry
`,
  fish: `function __wherry_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l lines ($words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
  if test "$lines[1]" = :files
    __fish_complete_path "$current"
  else
    printf '%s\\n' $lines
  end
end
complete -c wherry -f -a '(__wherry_complete)'
`,
} as const;
