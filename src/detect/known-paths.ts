import type { FoundPath } from '../core/detect.ts';

/** A place of a program's settings or data. */
export interface KnownPath {
  readonly name: string;
  readonly kind: FoundPath['kind'];
  /** From the home directory, or absolute. */
  readonly path: string;
}

type Places = Readonly<Record<string, string>>;

/** By program: where its things are, with spaces between them. */
const shells: Places = {
  bash: '.bashrc .bash_profile .bash_login .bash_aliases .bash_logout .bash_history .inputrc',
  zsh: '.zshrc .zshenv .zprofile .zlogin .zsh_history .oh-my-zsh .p10k.zsh .config/zsh',
  fish: '.config/fish .local/share/fish',
  sh: '.profile .config/environment.d',
  starship: '.config/starship.toml',
  tmux: '.tmux.conf .config/tmux .tmux',
  screen: '.screenrc',
};
const editors: Places = {
  vim: '.vimrc .vim .viminfo',
  nvim: '.config/nvim .local/share/nvim',
  emacs: '.emacs .emacs.d .config/emacs',
  nano: '.nanorc .config/nano',
  helix: '.config/helix',
  vscode: '.config/Code/User .vscode .vscode-server',
  vscodium: '.config/VSCodium/User',
  cursor: '.config/Cursor/User .cursor',
  windsurf: '.config/Windsurf/User .windsurf',
  zed: '.config/zed',
  jetbrains: '.config/JetBrains .local/share/JetBrains',
  sublime: '.config/sublime-text .config/sublime-text-3',
  editorconfig: '.editorconfig',
};
const git: Places = {
  git: '.gitconfig .config/git .gitignore .gitignore_global .gitmessage .git-credentials .git-templates',
  lazygit: '.config/lazygit',
  tig: '.tigrc .config/tig',
};
const settings: Places = {
  ssh: '.ssh',
  gpg: '.gnupg',
  pass: '.password-store',
  netrc: '.netrc',
  aws: '.aws',
  azure: '.azure',
  gcloud: '.config/gcloud',
  gh: '.config/gh',
  kubectl: '.kube',
  docker: '.docker',
  podman: '.config/containers',
  npm: '.npmrc',
  yarn: '.yarnrc .yarnrc.yml',
  pip: '.pip .config/pip',
  pypi: '.pypirc',
  conda: '.condarc .conda',
  cargo: '.cargo/config.toml .cargo/config',
  maven: '.m2/settings.xml',
  gradle: '.gradle/gradle.properties',
  terraform: '.terraformrc .terraform.d',
  ansible: '.ansible.cfg .ansible',
  asdf: '.asdfrc .tool-versions',
  mise: '.config/mise',
  direnv: '.direnvrc .config/direnv',
  curl: '.curlrc',
  wget: '.wgetrc',
  postgresql: '.pgpass .psqlrc .psql_history',
  mysql: '.my.cnf .mysql_history',
  redis: '.redisclirc .rediscli_history',
  mongodb: '.mongorc.js .dbshell',
  nginx: '/etc/nginx',
  apache: '/etc/apache2',
};
const data: Places = {
  firefox: '.mozilla/firefox',
  thunderbird: '.thunderbird',
  chrome: '.config/google-chrome',
  chromium: '.config/chromium',
  brave: '.config/BraveSoftware',
  edge: '.config/microsoft-edge',
  opera: '.config/opera',
  keyrings: '.local/share/keyrings .local/share/kwalletd',
  clonebox: '.local/share/clonebox',
  slack: '.config/Slack',
  discord: '.config/discord',
  telegram: '.local/share/TelegramDesktop',
  signal: '.config/Signal',
  teams: '.config/Microsoft',
  spotify: '.config/spotify',
  postman: '.config/Postman',
  insomnia: '.config/Insomnia',
  dbeaver: '.local/share/DBeaverData',
  gimp: '.config/GIMP .gimp-2.10',
  obs: '.config/obs-studio',
  vlc: '.config/vlc',
  jupyter: '.jupyter .local/share/jupyter',
  virtualenv: '.virtualenvs .local/share/virtualenvs',
  nvm: '.nvm',
  fnm: '.local/share/fnm',
  pyenv: '.pyenv',
  rbenv: '.rbenv',
  sdkman: '.sdkman',
  rustup: '.rustup',
  cargo: '.cargo/registry',
  go: 'go',
  npm: '.npm',
  maven: '.m2/repository',
  gradle: '.gradle/caches',
  conda: 'miniconda3 anaconda3 miniforge3',
  podman: '.local/share/containers',
  www: '/var/www',
  postgresql: '/var/lib/postgresql',
  mysql: '/var/lib/mysql',
  redis: '/var/lib/redis',
  docker: '/var/lib/docker',
};

/** What is known by its place, the small things first. */
export const knownPaths: readonly KnownPath[] = (
  [
    ['shell', shells],
    ['editor', editors],
    ['git', git],
    ['settings', settings],
    ['application data', data],
  ] as const
).flatMap(([kind, places]) =>
  Object.entries(places).flatMap(([name, texts]) =>
    texts.split(' ').map((path) => ({ name, kind, path })),
  ),
);

/** Directories of programs that put what they have below their own name. */
export const holders: readonly { readonly path: string; readonly kind: FoundPath['kind'] }[] = [
  { path: '.config', kind: 'settings' },
  { path: '.var/app', kind: 'application data' },
  { path: 'snap', kind: 'application data' },
];

/** Reasons beside the places of credentials, by a path from the home directory. */
const sensitive: readonly (readonly [RegExp, string])[] = [
  [/^\.\w+_history$|^\.dbshell$/, 'what you typed, with passwords'],
  [/^\.local\/share\/fish$|^\.viminfo$/, 'what you typed, with passwords'],
  [
    /firefox|thunderbird|chrom|brave|vivaldi|opera|slack|discord|telegram|signal|teams|spotify|element/i,
    'your sessions and passwords',
  ],
  [/keepass|bitwarden|1password|protonvpn|keyring/i, 'your sessions and passwords'],
  [
    /^\.(?:my\.cnf|yarnrc\.yml|terraform\.d|terraformrc|curlrc|wgetrc|m2\/settings\.xml)$/,
    'it may hold tokens',
  ],
  [
    /^\.(?:gradle\/gradle\.properties|config\/(?:containers|pip)|pip|pypirc)$/,
    'it may hold tokens',
  ],
  [/^\.(?:jupyter|local\/share\/DBeaverData)$|\/(?:Postman|Insomnia)$/, 'it may hold tokens'],
  [
    /^\.config\/(?:rclone|hub|op|doctl|heroku|netlify|configstore|stripe|ngrok|helm|pulumi|fly|glab-cli|github-copilot|hcloud|linode-cli|composer|sops|age|borg|restic|nix|filezilla|remmina)$/i,
    'it may hold tokens',
  ],
];

/** Files by whose name a directory tells that it holds tokens. */
export const tokenFiles: readonly string[] = [
  ...['credentials', 'credentials.json', 'credentials.toml', 'auth.json', 'hosts.yml', 'token'],
  ...['tokens.json', 'secrets.json', '.env'],
];

/** Why a path from the home directory is given to no guest unless it is named, beside the places of credentials. */
export function sensitiveReason(path: string): string | null {
  return sensitive.find(([pattern]) => pattern.test(path))?.[1] ?? null;
}
