/** Packages of Debian that Dockerfiles install, of names that are the same in all supported releases. */
const known = new Set(
  `apache2-utils autoconf automake bison build-essential bzip2 clang cmake cron curl default-libmysqlclient-dev
  default-mysql-client ffmpeg file flex fontconfig fonts-dejavu fonts-liberation fonts-noto-cjk
  fonts-noto-color-emoji freetds-dev gdal-bin gdb gettext ghostscript gifsicle git git-lfs graphviz gzip
  imagemagick inkscape jpegoptim jq libaio-dev libaom-dev libargon2-dev libasound2-dev libassimp-dev
  libavcodec-dev libavformat-dev libavutil-dev libboost-all-dev libbz2-dev libcairo2-dev libcap-dev
  libcups2-dev libcurl4-openssl-dev libdbus-1-dev libevent-dev libexpat1-dev libffi-dev libfontconfig1-dev
  libfreetype-dev libfribidi-dev libgd-dev libgdal-dev libgdbm-dev libgeos-dev libgif-dev libgit2-dev
  libgl1-mesa-dev libglib2.0-dev libgmp-dev libgpgme-dev libgraphviz-dev libgtk-3-dev libharfbuzz-dev
  libhdf5-dev libheif-dev libhiredis-dev libicu-dev libidn-dev libimage-exiftool-perl libjemalloc-dev
  libjemalloc2 libjpeg-dev libkrb5-dev liblapack-dev liblcms2-dev libldap-dev liblmdb-dev liblz4-dev
  liblzma-dev libmagic1 libmagickwand-dev libmemcached-dev libmpfr-dev libncurses-dev libnss3 libnuma-dev
  libonig-dev libopenblas-dev libopencv-dev libopenjp2-7-dev libopus-dev libpango1.0-dev libpcap-dev
  libpcre2-dev libpng-dev libpoppler-cpp-dev libpq-dev libpq5 libproj-dev libprotobuf-dev libpulse-dev
  libqpdf-dev librabbitmq-dev librdkafka-dev libreadline-dev libreoffice librsvg2-bin librsvg2-dev
  libsasl2-dev libsdl2-dev libseccomp-dev libsecret-1-dev libsnappy-dev libsndfile1 libsodium-dev
  libsqlite3-dev libssh-dev libssh2-1-dev libssl-dev libsystemd-dev libtiff-dev libtool libturbojpeg0-dev
  libudev-dev libunwind-dev libusb-1.0-0-dev libuv1-dev libvips-dev libvips-tools libvips42 libvpx-dev
  libwebp-dev libx11-dev libxcb1-dev libxext-dev libxml2 libxml2-dev libxmlsec1-dev libxrender1
  libxslt1-dev libyaml-cpp-dev libyaml-dev libzip-dev libzmq3-dev libzstd-dev llvm make mariadb-client
  mediainfo mercurial nasm ninja-build nlohmann-json3-dev openssh-client optipng p7zip-full pandoc patch
  pkg-config pngquant poppler-utils portaudio19-dev postgresql-client proj-bin protobuf-compiler
  python3-dev qpdf redis-tools rsync ruby-dev sox sqlite3 swig tar tesseract-ocr tesseract-ocr-eng
  texlive-latex-base tk-dev unixodbc unixodbc-dev unzip uuid-dev webp wget xmlsec1 xvfb xz-utils zip
  zlib1g-dev zstd`.split(/\s+/),
);

/** Others by what they are in Debian now, or what else they stand for. */
const renamed = new Map<string, readonly string[]>([
  ['g++', ['build-essential']],
  ['gcc', ['build-essential']],
  ['libc6-dev', ['build-essential']],
  ['libc-dev', ['build-essential']],
  ['build-base', ['build-essential']],
  ['musl-dev', ['build-essential']],
  ['pkgconf', ['pkg-config']],
  ['pkgconfig', ['pkg-config']],
  ['libcurl4-gnutls-dev', ['libcurl4-openssl-dev']],
  ['libmysqlclient-dev', ['default-libmysqlclient-dev']],
  ['libmariadb-dev', ['default-libmysqlclient-dev']],
  ['mysql-client', ['default-mysql-client']],
  ['libncurses5-dev', ['libncurses-dev']],
  ['libncursesw5-dev', ['libncurses-dev']],
  ['libreadline6-dev', ['libreadline-dev']],
  ['libtiff5-dev', ['libtiff-dev']],
  ['libjpeg62-turbo-dev', ['libjpeg-dev']],
  ['libjpeg8-dev', ['libjpeg-dev']],
  ['libldap2-dev', ['libldap-dev']],
  ['libz-dev', ['zlib1g-dev']],
  ['libfreetype6-dev', ['libfreetype-dev']],
  ['libatlas-base-dev', ['libopenblas-dev']],
  ['libidn11-dev', ['libidn-dev']],
  ['libvips', ['libvips42']],
  ['libmagickwand-6.q16-dev', ['libmagickwand-dev']],
  ['python-dev', ['python3-dev']],
  // As Alpine calls them.
  ['postgresql-dev', ['libpq-dev']],
  ['mariadb-dev', ['default-libmysqlclient-dev']],
  ['openssl-dev', ['libssl-dev']],
  ['vips-dev', ['libvips-dev']],
  ['zlib-dev', ['zlib1g-dev']],
  ['jpeg-dev', ['libjpeg-dev']],
  ['libjpeg-turbo-dev', ['libjpeg-dev']],
  ['sqlite-dev', ['libsqlite3-dev']],
  ['sqlite', ['sqlite3']],
  ['sqlite-libs', []],
  ['libxslt-dev', ['libxslt1-dev']],
  ['yaml-dev', ['libyaml-dev']],
  ['icu-dev', ['libicu-dev']],
  ['oniguruma-dev', ['libonig-dev']],
  ['freetype-dev', ['libfreetype-dev']],
  ['curl-dev', ['libcurl4-openssl-dev']],
  ['linux-headers', []],
]);

/** What an image needs to be made or to be run as one, and a guest has or does without. */
const plumbing = new Set(
  `postgresql-common apk-tools apt apt-transport-https apt-utils bash bash-completion ca-certificates coreutils
  debian-archive-keyring debian-keyring dialog dirmngr dumb-init findutils gcompat gnupg gnupg1 gnupg2
  gosu gpg gpg-agent grep htop iproute2 iputils-ping less libc6 libc6-compat libgcc libssl3 libstdc++
  libstdc++6 locales lsb-release lsof nano ncurses net-tools netcat netcat-openbsd netcat-traditional
  openssl procps sed shadow software-properties-common strace su-exec sudo supervisor systemd tini tree
  tzdata util-linux vim vim-tiny`.split(/\s+/),
);

/** Packages that stand for a tool. */
const tools: readonly (readonly [RegExp, string])[] = [
  [/^(?:nodejs|nodejs-current)$/, 'node'],
  [/^(?:npm|yarn|pnpm)$/, ''],
  [
    /^python3?(?:-(?:pip|venv|setuptools|wheel|minimal))?$|^(?:py3-pip|python3\.\d{1,2}(?:-venv)?)$/,
    'python',
  ],
  [/^golang(?:-go)?$/, 'go'],
  [/^(?:rustc|cargo)$/, 'rust'],
  [/^(?:ruby|ruby-full)$/, 'ruby'],
  [/^default-j(?:dk|re)(?:-headless)?$|^openjdk-?\d{1,2}-j(?:dk|re)(?:-headless)?$/, 'java'],
  [/^(?:maven)$/, 'maven'],
  [/^(?:composer)$/, 'composer'],
  [/^(?:php|php-cli|php\d(?:\.\d)?(?:-cli)?)$/, 'php'],
];

export type PackageMeaning =
  | { readonly kind: 'packages'; readonly names: readonly string[] }
  | { readonly kind: 'tool'; readonly name: string }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unknown' };

/** What a word of `apt-get install` or `apk add` means in a guest. Only names that every supported release has are let through. */
export function meaningOfPackage(word: string): PackageMeaning {
  if (known.has(word)) return { kind: 'packages', names: [word] };
  const others = renamed.get(word);
  if (others !== undefined) return { kind: 'packages', names: others };
  if (plumbing.has(word)) return { kind: 'nothing' };
  const tool = tools.find(([pattern]) => pattern.test(word))?.[1];
  if (tool === '') return { kind: 'nothing' };
  if (tool !== undefined) return { kind: 'tool', name: tool };
  // A client of the database: which version it is counts little.
  if (/^postgresql-client-\d{1,2}$/.test(word))
    return { kind: 'packages', names: ['postgresql-client'] };
  return { kind: 'unknown' };
}
