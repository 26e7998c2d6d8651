/** The commands that give everything durable another directory. Pure. */
import { type Facts, isRoot } from "./facts.ts";

/** Another directory for everything durable, for logins and for units. */
export function elsewhere(facts: Facts): readonly string[] {
  if (isRoot(facts)) return ["mkdir -m 0700 /srv/wherry && export WHERRY_ROOT=/srv/wherry"];
  const { name } = facts.user;
  const directory = `/var/local/wherry-${name}`;
  return [
    `sudo install -d -m 0700 -o ${name} ${directory}`,
    `echo 'export WHERRY_ROOT=${directory}' >>~/.profile && export WHERRY_ROOT=${directory}`,
    `mkdir -p ~/.config/environment.d && echo WHERRY_ROOT=${directory} >~/.config/environment.d/wherry.conf`,
  ];
}
