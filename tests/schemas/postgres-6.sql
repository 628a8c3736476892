SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.attempts (
    sweep bigint NOT NULL,
    trial bigint NOT NULL,
    attempt bigint NOT NULL,
    state text NOT NULL,
    token bigint NOT NULL,
    body text NOT NULL,
    checksum bigint NOT NULL
);
CREATE TABLE public.audit (
    sequence bigint NOT NULL,
    body text NOT NULL
);
CREATE TABLE public.certificates (
    id text NOT NULL,
    body text NOT NULL,
    checksum bigint NOT NULL
);
CREATE TABLE public.counters (
    name text NOT NULL,
    value bigint NOT NULL,
    checksum bigint NOT NULL
);
CREATE TABLE public.epochs (
    sweep bigint NOT NULL,
    trial bigint NOT NULL,
    epoch bigint NOT NULL,
    attempt bigint NOT NULL,
    train_loss double precision NOT NULL,
    train_accuracy double precision NOT NULL,
    validation_loss double precision NOT NULL,
    validation_accuracy double precision NOT NULL,
    validation_macro_f1 double precision NOT NULL,
    seconds double precision NOT NULL,
    examples_per_second double precision NOT NULL,
    peak_memory_bytes bigint NOT NULL,
    checksum bigint NOT NULL,
    energy_joules double precision
);
CREATE TABLE public.leader (
    name text NOT NULL,
    holder text NOT NULL,
    address text NOT NULL,
    term bigint NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE public.marks (
    name text NOT NULL,
    body text NOT NULL
);


CREATE TABLE public.schema_version (
    version bigint NOT NULL
);
CREATE TABLE public.search_events (
    sweep bigint NOT NULL,
    number bigint NOT NULL,
    body text NOT NULL,
    checksum bigint NOT NULL
);
CREATE TABLE public.steps (
    sweep bigint NOT NULL,
    trial bigint NOT NULL,
    attempt bigint NOT NULL,
    first_sequence bigint NOT NULL,
    count bigint NOT NULL,
    points bytea NOT NULL,
    checksum bigint NOT NULL
);
CREATE TABLE public.sweeps (
    id bigint NOT NULL,
    state text NOT NULL,
    body text NOT NULL,
    checksum bigint NOT NULL
);
CREATE TABLE public.tokens (
    id text NOT NULL,
    body text NOT NULL,
    checksum bigint NOT NULL
);
CREATE TABLE public.trials (
    sweep bigint NOT NULL,
    trial bigint NOT NULL,
    state text NOT NULL,
    key bytea NOT NULL,
    body text NOT NULL,
    checksum bigint NOT NULL
);
CREATE TABLE public.workers (
    id uuid NOT NULL,
    state text NOT NULL,
    body text NOT NULL,
    checksum bigint NOT NULL
);
INSERT INTO public.attempts VALUES (1, 0, 1, 'succeeded', 1, '{"id":{"trial":{"sweep":1,"index":0},"number":1},"work":"train","worker":"01a20f29-eea6-7348-9242-104999098c1a","worker_name":"old","token":1,"started_at":1795550736103,"first_epoch":1,"state":"succeeded","ended_at":1795550736313,"failure":null,"error":null}', 3272443925726936528);
INSERT INTO public.attempts VALUES (1, 1, 1, 'succeeded', 3, '{"id":{"trial":{"sweep":1,"index":1},"number":1},"work":"train","worker":"01a20f29-eea6-7348-9242-104999098c1a","worker_name":"old","token":3,"started_at":1795550736317,"first_epoch":1,"state":"succeeded","ended_at":1795550736592,"failure":null,"error":null}', -3664813624342275801);
INSERT INTO public.attempts VALUES (1, 2, 1, 'succeeded', 2, '{"id":{"trial":{"sweep":1,"index":2},"number":1},"work":"train","worker":"01a20f29-eea6-7348-9242-104999098c1a","worker_name":"old","token":2,"started_at":1795550736103,"first_epoch":1,"state":"succeeded","ended_at":1795550736426,"failure":null,"error":null}', -4403608549786539788);
INSERT INTO public.attempts VALUES (1, 2, 2, 'succeeded', 5, '{"id":{"trial":{"sweep":1,"index":2},"number":2},"work":"evaluate","worker":"01a20f29-eea6-7348-9242-104999098c1a","worker_name":"old","token":5,"started_at":1795550736754,"first_epoch":1,"state":"succeeded","ended_at":1795550736850,"failure":null,"error":null}', 9176551175148572562);
INSERT INTO public.attempts VALUES (1, 3, 1, 'succeeded', 4, '{"id":{"trial":{"sweep":1,"index":3},"number":1},"work":"train","worker":"01a20f29-eea6-7348-9242-104999098c1a","worker_name":"old","token":4,"started_at":1795550736445,"first_epoch":1,"state":"succeeded","ended_at":1795550736737,"failure":null,"error":null}', 611586530342272109);
INSERT INTO public.attempts VALUES (1, 3, 2, 'succeeded', 6, '{"id":{"trial":{"sweep":1,"index":3},"number":2},"work":"evaluate","worker":"01a20f29-eea6-7348-9242-104999098c1a","worker_name":"old","token":6,"started_at":1795550736754,"first_epoch":1,"state":"succeeded","ended_at":1795550736834,"failure":null,"error":null}', 6194839179501303352);
INSERT INTO public.attempts VALUES (2, 0, 1, 'revoked', 7, '{"id":{"trial":{"sweep":2,"index":0},"number":1},"work":"train","worker":"01a20f29-eea6-7348-9242-104999098c1a","worker_name":"old","token":7,"started_at":1795550737926,"first_epoch":1,"state":"revoked","ended_at":1795550822646,"failure":null,"error":null}', 5519046473327970946);
INSERT INTO public.attempts VALUES (2, 1, 1, 'revoked', 8, '{"id":{"trial":{"sweep":2,"index":1},"number":1},"work":"train","worker":"01a20f29-eea6-7348-9242-104999098c1a","worker_name":"old","token":8,"started_at":1795550737926,"first_epoch":1,"state":"revoked","ended_at":1795550822646,"failure":null,"error":null}', -1807751045257463717);
INSERT INTO public.audit VALUES (1, '{"sequence":1,"at":1795550735762,"note":{"actor":"admin token 66737a34148c3305","peer":"127.0.0.1:47574","action":"create token","subject":"worker token db430c25a6a7d54a","is_allowed":true},"digest":"f04541beeb986acabd91aa09eb244005b84d6da674ef80b2e25a4f113c9f3599"}');
INSERT INTO public.audit VALUES (2, '{"sequence":2,"at":1795550736054,"note":{"actor":"worker token db430c25a6a7d54a","peer":"127.0.0.1:47584","action":"join","subject":"worker 01a20f29-eea6-7348-9242-104999098c1a, certificate 01a20f29eeb6773aa6453f2dc7cbd921","is_allowed":true},"digest":"118fbdfe82ca9f31ac6ff5bcf2994ebfbe594a0bbe3e4504b7242d5263c93b38"}');
INSERT INTO public.audit VALUES (3, '{"sequence":3,"at":1795550736056,"note":{"actor":"admin token 66737a34148c3305","peer":"127.0.0.1:47600","action":"launch","subject":"sweep \"finished\"","is_allowed":true},"digest":"477f8390b40f4ca26142dd68f67b594ae042160e5e5bb654c3707edb6fe9d484"}');
INSERT INTO public.audit VALUES (4, '{"sequence":4,"at":1795550737283,"note":{"actor":"admin token 66737a34148c3305","peer":"127.0.0.1:47658","action":"launch","subject":"sweep \"underway\"","is_allowed":true},"digest":"424d7571ee18b2ab54b6f4e5db77e4d4ee557777a91d8a5f105e1a196bd913ec"}');
INSERT INTO public.certificates VALUES ('01a20f29eeb6773aa6453f2dc7cbd921', '{"id":"01a20f29-eeb6-773a-a645-3f2dc7cbd921","worker":"01a20f29-eea6-7348-9242-104999098c1a","key":"0736ae5b76332332cd485725948bbc6fe5a1aac20fa212cd9225871ee9160aea","token":"db430c25a6a7d54a","issued_at":1795550736054,"expires_at":1796155536054,"revoked_at":null}', -7785837935795517633);
INSERT INTO public.counters VALUES ('last_token', 128530534170099712, -7404155003730707787);
INSERT INTO public.epochs VALUES (1, 0, 1, 1, 0.693001582226712, 0.5185185185185185, 0.6934168621032291, 0.4666666666666667, 0.4258373205741627, 0.046358829, 16217.054827880289, 19255296, -5009486122388260251, 100.83333333333333);
INSERT INTO public.epochs VALUES (1, 0, 2, 1, 0.6878600751450561, 0.8, 0.6928408042354596, 0.5, 0.4712103407755582, 0.053996751, 15017.141232431197, 19255296, 6111300653428253176, 101.16666666666667);
INSERT INTO public.epochs VALUES (1, 1, 1, 1, 0.6929969140911765, 0.4740740740740741, 0.6927851386688685, 0.5333333333333333, 0.513888888888889, 0.019828541, 27105.60887329212, 18685952, 4792859171468956541, 201.33333333333334);
INSERT INTO public.epochs VALUES (1, 1, 2, 1, 0.6872053088963848, 0.7296296296296296, 0.6923933865382849, 0.5666666666666667, 0.5238095238095237, 0.058152333, 68985.09385422019, 18685952, 4917053170328520191, 201.66666666666666);
INSERT INTO public.epochs VALUES (1, 2, 1, 1, 0.693094197215359, 0.4925925925925926, 0.6924459974729252, 0.4666666666666667, 0.4444444444444444, 0.037796473, 22067.996892826035, 19259392, -4039879370199054787, 301.8333333333333);
INSERT INTO public.epochs VALUES (1, 2, 2, 1, 0.6874729988329631, 0.7925925925925926, 0.6917897607601319, 0.5666666666666667, 0.5622895622895623, 0.055606078, 8791.41231401401, 19652608, -9087112149570159927, 302.1666666666667);
INSERT INTO public.epochs VALUES (1, 3, 1, 1, 0.6935782753386045, 0.4777777777777778, 0.6927670047544869, 0.5, 0.4712103407755582, 0.065657636, 6951.599872090562, 19120128, -4007503112324422662, 402.3333333333333);
INSERT INTO public.epochs VALUES (1, 3, 2, 1, 0.6828187922220142, 0.7703703703703704, 0.6921574696857321, 0.5333333333333333, 0.4444444444444444, 0.07013384, 14799.76818081633, 19120128, 708192168099667347, 402.6666666666667);
INSERT INTO public.epochs VALUES (2, 0, 1, 1, 0.6899316622309333, 0.5314814814814814, 0.6710482533640908, 0.6466666666666666, 0.6466038406827881, 1.140949671, 2608.8362092111443, 52961280, 5809704809915149234, NULL);
INSERT INTO public.epochs VALUES (2, 1, 1, 1, 0.6906371431834957, 0.5437037037037037, 0.6723912848464703, 0.6466666666666666, 0.6196172248803828, 1.231644135, 2369.5157002938704, 52256768, -171546106838733042, NULL);
INSERT INTO public.leader VALUES ('coordinator', '01a20f2b-405e-75eb-9779-a629613cef6f', 'a restoration', 2, '2026-11-24 20:07:02.666815+00');
INSERT INTO public.schema_version VALUES (6);
INSERT INTO public.steps VALUES (1, 0, 1, 0, 10, '\x010000000100000000000000d1ae6284fc28e63f33ca0b3fbaa3b34001000000020000000000000065af3892172ce63f248ccbb456d8ed4001000000030000000000000072e027ab253de63f845f2c6a06d5d84001000000040000000000000047d8bac8862ce63fe3b4f36946ffe94001000000050000000000000037f6b95d272fe63f9ba71aa83b08ec40020000000600000000000000cd289ebd660de63fcf554357aa8bd1400200000007000000000000004ee95c71dc0de63f4bf8250dea77e940020000000800000000000000d4cf02e2c2ffe53fb6e7f5c8ef68ea4002000000090000000000000071320f4f1e00e63f0a10b9e0c110b440020000000a00000000000000e8b7fb9ac5fbe53f667dd2b2a1e1da40', -1761269931402759064);
INSERT INTO public.steps VALUES (1, 1, 1, 0, 10, '\x010000000100000000000000ffbfac92f030e63f5a7c0e1e4be1c4400100000002000000000000006ebdd099312fe63f6e519109846ce640010000000300000000000000a29a39f54e25e63fcac7ba4030bfe84001000000040000000000000001483faf452fe63fd5fa4345ded7f14001000000050000000000000040c04ff0532ae63fc52d51fedd08df40020000000600000000000000f5fcbd834d1fe63f89e545092df2d54002000000070000000000000025b4d0ccbbffe53f3a9470481af0f64002000000080000000000000048486f485df8e53f0abb76879644f14002000000090000000000000097493db4eefee53f1652ff71862bf240020000000a000000000000000016b104f0f7e53ffcfc3c455c8af240', 5286385038680845778);
INSERT INTO public.steps VALUES (1, 2, 1, 0, 10, '\x010000000100000000000000f82c559a692fe63ff5c3e017cf0dc040010000000200000000000000e68aa6da042ce63f8500a9b76d22ed4001000000030000000000000090e1c333d12ce63fc0632d096a4cd640010000000400000000000000d83d76d75a2be63f9e41693f29eae54001000000050000000000000075fba8d0be30e63f5d09ee51f86fe740020000000600000000000000d116d7a5be04e63f33dbb90ae938cd400200000007000000000000007a5a0205b50be63fb35b95bf85f7e1400200000008000000000000000fc460684affe53f6be15726f1aca940020000000900000000000000f40bea6192fce53f539791c90706cb40020000000a000000000000003b51d39875f6e53fca1844d835c8cf40', 2764243716196958423);
INSERT INTO public.steps VALUES (1, 3, 1, 0, 10, '\x0100000001000000000000004dbda6a3a624e63f41264cbcc610a040010000000200000000000000a154a3fbfd3ee63ffce678119c23da40010000000300000000000000de6bac84d534e63f97179ad0bea8d240010000000400000000000000778536c44e35e63f51513cc5774ae64001000000050000000000000005ab614b9113e63f4df309f860f4d74002000000060000000000000011ac6cd5daffe53f7de8db14deb2d1400200000007000000000000003bf77a6575c5e53fd604f840558df040020000000800000000000000bac927ef2fd4e53f28c2d769b4d5e7400200000009000000000000000206fc8868e8e53f0aecbcc72946b240020000000a00000000000000be4c19ef31dce53f1fad441b656be440', 5101730329934857394);
INSERT INTO public.steps VALUES (2, 0, 1, 0, 43, '\x0100000001000000000000001379f304542be63f99944f07c42d9e400100000002000000000000007212cec4bc36e63f92cbbe6ce9faa2400100000003000000000000000167a498df59e63fd16db5a1b097a940010000000400000000000000df09ff331b1ee63f99e853460bd3c34001000000050000000000000083d7a6f98528e63f0e640e3001e39040010000000600000000000000945e05bbd825e63f486a2430a1cf98400100000007000000000000007deb4bdf2136e63fea726aa20f439b4001000000080000000000000031f60bac423be63f359b2e3bd9eca4400100000009000000000000006ff6a73cfa29e63f1353a1485af8a040010000000a000000000000004f729812d04ae63f9ca514ca4690b140010000000b00000000000000a7c4d8ad4c07e63ff681497956e3a440010000000c00000000000000bf8a97fc1128e63fb3e6b0b035159d40010000000d0000000000000016d66032bd20e63f7fa2e27880f0bb40010000000e00000000000000042f4627b233e63f1077b366b806b640010000000f000000000000003ea290eb3438e63fc07d474a5ddc9640010000001000000000000000248e5c1f504ae63f46d22a68749b9540010000001100000000000000b593795eec02e63f780029047237a040010000001200000000000000a27e5465ba24e63f975dd314097f9740010000001300000000000000652be33d5d16e63f57c7886330edb240010000001400000000000000a7df7a22162de63facae3d39a5089a40010000001500000000000000eda0d1fa6319e63f85a24972305c9b400100000016000000000000005354562bc620e63f62ad2f5c2736a2400100000017000000000000008d12ee3e2209e63f0cd58a5417d0b5400100000018000000000000007068cd89ce14e63f708fb6f07be6a1400100000019000000000000002c535743000ae63f0ab50705c8b7a440010000001a000000000000000d133e4ff7ffe53fa9f6d65dec80a240010000001b0000000000000091010e06281de63f11bb8a41045fb240010000001c00000000000000e45d1217bdffe53f7e99419b4136c340010000001d000000000000000632b6f95f13e63facd347d2935e9f40010000001e000000000000005db30930761fe63f9efef2957315af40010000001f00000000000000675c79774a20e63f9c4c5d20c8b2a44001000000200000000000000036f6ad6385f3e53fa9aafa6b50cba140010000002100000000000000b0877a1a1d12e63fe8d22f6a8d34b04001000000220000000000000056e87b980ae8e53f8f849c53b67ca540010000002300000000000000d09c00c1660ce63fbdcc68bb85a7a94001000000240000000000000087aa8b0ba049e63f204ed8dc687aa640010000002500000000000000339c2cdd0733e63feb51d1fa3dd2b34001000000260000000000000015cc1e052ee7e53fbf984978af2ba240010000002700000000000000a664b9dd86d2e53fc43812f6251ba2400100000028000000000000008b96a69babd1e53fba71fd4b7e13b04001000000290000000000000052ff1921bda3e53f5eb0a2994e51c240010000002a000000000000002e39b68df4dfe53fad520002080fc340010000002b00000000000000aea21e723eade53fd7aafaf29fc0c240', -7144005956759588360);
INSERT INTO public.steps VALUES (2, 1, 1, 0, 43, '\x01000000010000000000000053f4c5cddb37e63fd5dd27633c81a240010000000200000000000000d3c8b0f7d43ce63f9a0dd4045b9bbb400100000003000000000000001019fcddb42ce63fbf0571670b98bd4001000000040000000000000008fefe67b41ee63fbeef31c08742a7400100000005000000000000006898aff4290be63fe017226b81f1a840010000000600000000000000e3a574bc2264e63f7f8a34c400499a40010000000700000000000000a9fbe8a04005e63fcf7990a29e07a2400100000008000000000000000b9b31de3924e63fab78b2b60b69a340010000000900000000000000465e37447670e63fe55842f3941cb340010000000a000000000000009403ccc3d431e63fd382283e0f1a8f40010000000b000000000000004199c4248a32e63fae85539cfde3aa40010000000c00000000000000a1e1ba617633e63f3bd521d45a08a840010000000d000000000000003a4b524c1a7fe63f923e509844f79d40010000000e00000000000000ff005bbbb920e63fbea917b3c8ffac40010000000f0000000000000038f9684df43ae63f750073c502ae9c400100000010000000000000000bd5a3906305e63fe5cbf26392d8a04001000000110000000000000080efd01da50be63f8d501c1325c09a400100000012000000000000004917803df74de63fb154299f9d0ab1400100000013000000000000004564c299a141e63f14a32b18f56d9d40010000001400000000000000c286f66d03fee53f34edb48d4c10a3400100000015000000000000000e865fbd8411e63f8303e656facb9540010000001600000000000000d487af3f1414e63fd8031d319ecaa64001000000170000000000000085979623091fe63fc05876c13d8aad400100000018000000000000000a026bd2c510e63fe2be5bd9a8bba54001000000190000000000000047a5ae0a7315e63fd5ddd08ccca5a440010000001a00000000000000fcf524332128e63f0bc2b3a2950aad40010000001b00000000000000d48dc95e092be63faa7e11cea3d59e40010000001c00000000000000c52df97618f5e53f20c198cfb2e9ae40010000001d00000000000000900757b9f017e63fba1d16fc04dfa140010000001e00000000000000f040292c46e1e53f407fdc37612ea240010000001f00000000000000e703b2e74272e63f122648b4361f9c400100000020000000000000009ae45b377a07e63f17b0b4ef9e13b640010000002100000000000000a692cf10e8b4e63ff96c4278bf049c40010000002200000000000000ed9e0cff8512e63f3c061af8b052b340010000002300000000000000dc4dec61cabde53ff743cb46d2b2a740010000002400000000000000144674e5b507e63fa17162677613a24001000000250000000000000058fc435839e8e53fd78f1f3382ef9b400100000026000000000000009880212bfad5e53fa4c44fdbebdca240010000002700000000000000d76bdc7b1ce0e53f4e50b482cfb39f400100000028000000000000001df2cdd731dde53f2caa1505faff9840010000002900000000000000cfade0a8efc6e53ff86d3d1def39a440010000002a000000000000001e7d85947be3e53f1f1e6395fbe2a140010000002b00000000000000f87bb0b0ce7fe53f6496e51a08719540', -3064999133305792464);
INSERT INTO public.sweeps VALUES (1, 'finished', '{"id":1,"spec":{"name":"finished","data":{"source":{"known":{"name":"snippets","path":null}},"validation_share":0.1,"test_share":0.1,"train_rows":300,"test_rows":100,"bad_rows_share_max":0.01,"seed":0},"fixed":{"units":64,"batch_size":64,"embedding":64,"cell":"lstm","layers":1,"bidirectional":false,"pooling":"last","dropout":0.0,"epochs":2,"optimizer":"adam","learning_rate":0.001,"weight_decay":0.0,"gradient_clip":1.0,"patience":0,"tokenizer":"auto","vocabulary":10000,"max_length":16,"truncation_side":"right"},"axes":[{"hyperparameter":"units","levels":[4,8]}],"replicates":2,"seed":0,"failures_max":3,"reuse":true},"file_text":"name = \"finished\"\n[data]\ndataset = \"snippets\"\nmax_length = 16\ntrain_rows = 300\ntest_rows = 100\n[grid]\nunits = [4, 8]\n[train]\nepochs = 2\nreplicates = 2\n","state":"finished","created_at":1795550736102,"ended_at":1795550736850,"datasets":[{"variant":{"tokenizer":"auto","vocabulary":10000,"max_length":16,"truncation_side":"right"},"artifact":{"digest":"29039550459d6035f01986bff47f94f72707dbf42a47d75fb03dcf0606fde74b","bytes":60776},"classes":["negative","positive"],"vocabulary":2038,"rows":[270,30,100]}],"chosen":{"units":8,"batch_size":64,"embedding":64,"cell":"lstm","layers":1,"bidirectional":false,"pooling":"last","dropout":0.0,"epochs":2,"optimizer":"adam","learning_rate":0.001,"weight_decay":0.0,"gradient_clip":1.0,"patience":0,"tokenizer":"auto","vocabulary":10000,"max_length":16,"truncation_side":"right"}}', 8063363556223311884);
INSERT INTO public.sweeps VALUES (2, 'open', '{"id":2,"spec":{"name":"underway","data":{"source":{"known":{"name":"snippets","path":null}},"validation_share":0.1,"test_share":0.1,"train_rows":3000,"test_rows":100,"bad_rows_share_max":0.01,"seed":0},"fixed":{"units":64,"batch_size":64,"embedding":64,"cell":"lstm","layers":1,"bidirectional":false,"pooling":"last","dropout":0.0,"epochs":200,"optimizer":"adam","learning_rate":0.001,"weight_decay":0.0,"gradient_clip":1.0,"patience":0,"tokenizer":"auto","vocabulary":10000,"max_length":16,"truncation_side":"right"},"axes":[{"hyperparameter":"units","levels":[64]}],"replicates":2,"seed":0,"failures_max":3,"reuse":true},"file_text":"name = \"underway\"\n[data]\ndataset = \"snippets\"\nmax_length = 16\ntrain_rows = 3000\ntest_rows = 100\n[grid]\nunits = [64]\n[train]\nepochs = 200\nreplicates = 2\n","state":"open","created_at":1795550737923,"ended_at":null,"datasets":[{"variant":{"tokenizer":"auto","vocabulary":10000,"max_length":16,"truncation_side":"right"},"artifact":{"digest":"c4fb96684cb5d9910d2b687d06a488bafdafb99e9907d92148d3c7eb3f5e38e7","bytes":370912},"classes":["negative","positive"],"vocabulary":9142,"rows":[2700,300,100]}],"chosen":null,"order":"by_replicate"}', 6821732193193184744);
INSERT INTO public.tokens VALUES ('66737a34148c3305', '{"id":"66737a34148c3305","role":"admin","label":"this machine","secret_digest":"6f0c0fa44e33c0122751ee2fa1134c804684eb996b6f507e39cc9f74e0ca6fe8","created_by":"sweep serve","created_at":1795550735593,"expires_at":null,"uses_left":null,"revoked_at":null}', 4778780372221270821);
INSERT INTO public.tokens VALUES ('db430c25a6a7d54a', '{"id":"db430c25a6a7d54a","role":"worker","label":"","secret_digest":"beb0a61bcff9a1cded4e672d813a04b90518fc6fed7f443666637c63c674a39b","created_by":"admin token 66737a34148c3305","created_at":1795550735792,"expires_at":1795552535792,"uses_left":null,"revoked_at":null}', 2775190183356508144);
INSERT INTO public.trials VALUES (1, 0, 'completed', '\x413d5d2d4b63bc62efd12011554b16f6c04f99cdeffe9eebc6aba1081d146ace', '{"spec":{"id":{"sweep":1,"index":0},"configuration":{"units":4,"batch_size":64,"embedding":64,"cell":"lstm","layers":1,"bidirectional":false,"pooling":"last","dropout":0.0,"epochs":2,"optimizer":"adam","learning_rate":0.001,"weight_decay":0.0,"gradient_clip":1.0,"patience":0,"tokenizer":"auto","vocabulary":10000,"max_length":16,"truncation_side":"right"},"replicate":0,"seed":1545232363921744,"dataset":"29039550459d6035f01986bff47f94f72707dbf42a47d75fb03dcf0606fde74b"},"key":"413d5d2d4b63bc62efd12011554b16f6c04f99cdeffe9eebc6aba1081d146ace","state":"completed","attempts":1,"failures":0,"lease":null,"checkpoint":null,"result":{"best_epoch":2,"epochs":2,"early_stopped":false,"score":0.6928408042354596,"accuracy":0.5,"parameters":131557,"model":{"digest":"3ce434953ff0532460f88b404f3e0b6e334e1e2eff73a522e9afee1c820bca48","bytes":526820}},"diverged_epoch":null,"last_error":null,"test":null,"reused_from":null,"ended_at":1795550736313}', 8013053455406741911);
INSERT INTO public.trials VALUES (1, 1, 'completed', '\x495d3701dfa1548a78491ec7dcd7dd0e95f813c876e24e686d9158893c1c498d', '{"spec":{"id":{"sweep":1,"index":1},"configuration":{"units":4,"batch_size":64,"embedding":64,"cell":"lstm","layers":1,"bidirectional":false,"pooling":"last","dropout":0.0,"epochs":2,"optimizer":"adam","learning_rate":0.001,"weight_decay":0.0,"gradient_clip":1.0,"patience":0,"tokenizer":"auto","vocabulary":10000,"max_length":16,"truncation_side":"right"},"replicate":1,"seed":5250932289267847,"dataset":"29039550459d6035f01986bff47f94f72707dbf42a47d75fb03dcf0606fde74b"},"key":"495d3701dfa1548a78491ec7dcd7dd0e95f813c876e24e686d9158893c1c498d","state":"completed","attempts":1,"failures":0,"lease":null,"checkpoint":null,"result":{"best_epoch":2,"epochs":2,"early_stopped":false,"score":0.6923933865382849,"accuracy":0.5666666666666667,"parameters":131557,"model":{"digest":"26f4dc89abeaf4d0393b7840afbb47c8e1db2edd2f46ea2f8b2ff16ef98050a7","bytes":526820}},"diverged_epoch":null,"last_error":null,"test":null,"reused_from":null,"ended_at":1795550736592}', 5591716459954944646);
INSERT INTO public.trials VALUES (1, 2, 'completed', '\xc592f4b80032d2626c7a57d84190cc72dbf8304d81b483ff887eed02a26c72ce', '{"spec":{"id":{"sweep":1,"index":2},"configuration":{"units":8,"batch_size":64,"embedding":64,"cell":"lstm","layers":1,"bidirectional":false,"pooling":"last","dropout":0.0,"epochs":2,"optimizer":"adam","learning_rate":0.001,"weight_decay":0.0,"gradient_clip":1.0,"patience":0,"tokenizer":"auto","vocabulary":10000,"max_length":16,"truncation_side":"right"},"replicate":0,"seed":1545232363921744,"dataset":"29039550459d6035f01986bff47f94f72707dbf42a47d75fb03dcf0606fde74b"},"key":"c592f4b80032d2626c7a57d84190cc72dbf8304d81b483ff887eed02a26c72ce","state":"completed","attempts":2,"failures":0,"lease":null,"checkpoint":null,"result":{"best_epoch":2,"epochs":2,"early_stopped":false,"score":0.6917897607601319,"accuracy":0.5666666666666667,"parameters":132809,"model":{"digest":"9ba7d5257ad3fc2621a17cf28b4559d5a67daae989707f1f98c867419be448a7","bytes":531828}},"diverged_epoch":null,"last_error":null,"test":{"loss":0.6927153998883838,"accuracy":0.54,"macro_f1":0.5392628205128205,"confusion":[[29,21],[25,25]]},"reused_from":null,"ended_at":1795550736426}', -4615106063081192410);
INSERT INTO public.trials VALUES (1, 3, 'completed', '\x5cb62ac529442a53180d8aefec51ca88d2bc114a10ea7ed50c12451ffc4cd42e', '{"spec":{"id":{"sweep":1,"index":3},"configuration":{"units":8,"batch_size":64,"embedding":64,"cell":"lstm","layers":1,"bidirectional":false,"pooling":"last","dropout":0.0,"epochs":2,"optimizer":"adam","learning_rate":0.001,"weight_decay":0.0,"gradient_clip":1.0,"patience":0,"tokenizer":"auto","vocabulary":10000,"max_length":16,"truncation_side":"right"},"replicate":1,"seed":5250932289267847,"dataset":"29039550459d6035f01986bff47f94f72707dbf42a47d75fb03dcf0606fde74b"},"key":"5cb62ac529442a53180d8aefec51ca88d2bc114a10ea7ed50c12451ffc4cd42e","state":"completed","attempts":2,"failures":0,"lease":null,"checkpoint":null,"result":{"best_epoch":2,"epochs":2,"early_stopped":false,"score":0.6921574696857321,"accuracy":0.5333333333333333,"parameters":132809,"model":{"digest":"95938c0ca1e924bfc7e4a85a83bcf89a52b5cca2777343b6a1440e02dd0f9180","bytes":531828}},"diverged_epoch":null,"last_error":null,"test":{"loss":0.6933062653047755,"accuracy":0.48,"macro_f1":0.3551587301587301,"confusion":[[46,4],[48,2]]},"reused_from":null,"ended_at":1795550736737}', 2256831957404236775);
INSERT INTO public.trials VALUES (2, 0, 'pending', '\xae0adef77e8c39f1b40366d88bad120d8cdc7ffc4063a0dde76e7577dd3952a6', '{"spec":{"id":{"sweep":2,"index":0},"configuration":{"units":64,"batch_size":64,"embedding":64,"cell":"lstm","layers":1,"bidirectional":false,"pooling":"last","dropout":0.0,"epochs":200,"optimizer":"adam","learning_rate":0.001,"weight_decay":0.0,"gradient_clip":1.0,"patience":0,"tokenizer":"auto","vocabulary":10000,"max_length":16,"truncation_side":"right"},"replicate":0,"seed":1545232363921744,"dataset":"c4fb96684cb5d9910d2b687d06a488bafdafb99e9907d92148d3c7eb3f5e38e7"},"key":"ae0adef77e8c39f1b40366d88bad120d8cdc7ffc4063a0dde76e7577dd3952a6","state":"pending","attempts":1,"failures":0,"lease":null,"checkpoint":{"epoch":1,"artifact":{"digest":"a1a3e87c14adfa3e687b4ebfba0acbdc7348017dc5bf440f226398f10ea06014","bytes":9897048}},"result":null,"diverged_epoch":null,"last_error":null,"test":null,"reused_from":null,"ended_at":null,"until_epoch":100}', 6872276046032645631);
INSERT INTO public.trials VALUES (2, 1, 'pending', '\x8f367795f167998bb0a60902eb746e160cb5a4a09fff9cc3d1689bffc84e4169', '{"spec":{"id":{"sweep":2,"index":1},"configuration":{"units":64,"batch_size":64,"embedding":64,"cell":"lstm","layers":1,"bidirectional":false,"pooling":"last","dropout":0.0,"epochs":200,"optimizer":"adam","learning_rate":0.001,"weight_decay":0.0,"gradient_clip":1.0,"patience":0,"tokenizer":"auto","vocabulary":10000,"max_length":16,"truncation_side":"right"},"replicate":1,"seed":5250932289267847,"dataset":"c4fb96684cb5d9910d2b687d06a488bafdafb99e9907d92148d3c7eb3f5e38e7"},"key":"8f367795f167998bb0a60902eb746e160cb5a4a09fff9cc3d1689bffc84e4169","state":"pending","attempts":1,"failures":0,"lease":null,"checkpoint":{"epoch":1,"artifact":{"digest":"ab9eca303a28de911e466ecbb2d87ad2abfabda726331c3112161a9e343cb5fb","bytes":9897048}},"result":null,"diverged_epoch":null,"last_error":null,"test":null,"reused_from":null,"ended_at":null,"until_epoch":100}', -5321104200572764346);
INSERT INTO public.workers VALUES ('01a20f29-eea6-7348-9242-104999098c1a', 'departed', '{"id":"01a20f29-eea6-7348-9242-104999098c1a","profile":{"name":"old","build":"0.1.0","slots":2,"devices":[{"kind":"cpu","ordinal":0,"model":"AMD EPYC","memory_bytes":25276063744}]},"state":"departed","registered_at":1795550736071,"answered":null,"troubles":{"trials":[],"rests":0,"rests_until":null}}', 2370271244483900737);
ALTER TABLE ONLY public.marks
    ADD CONSTRAINT marks_pkey PRIMARY KEY (name);


ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (sweep, trial, attempt);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (sequence);
ALTER TABLE ONLY public.certificates
    ADD CONSTRAINT certificates_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.counters
    ADD CONSTRAINT counters_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.epochs
    ADD CONSTRAINT epochs_pkey PRIMARY KEY (sweep, trial, epoch);
ALTER TABLE ONLY public.leader
    ADD CONSTRAINT leader_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.search_events
    ADD CONSTRAINT search_events_pkey PRIMARY KEY (sweep, number);
ALTER TABLE ONLY public.steps
    ADD CONSTRAINT steps_pkey PRIMARY KEY (sweep, trial, attempt, first_sequence);
ALTER TABLE ONLY public.sweeps
    ADD CONSTRAINT sweeps_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.trials
    ADD CONSTRAINT trials_pkey PRIMARY KEY (sweep, trial);
ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_sweep_trial_fkey FOREIGN KEY (sweep, trial) REFERENCES public.trials(sweep, trial) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.epochs
    ADD CONSTRAINT epochs_sweep_trial_fkey FOREIGN KEY (sweep, trial) REFERENCES public.trials(sweep, trial) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.search_events
    ADD CONSTRAINT search_events_sweep_fkey FOREIGN KEY (sweep) REFERENCES public.sweeps(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.steps
    ADD CONSTRAINT steps_sweep_trial_attempt_fkey FOREIGN KEY (sweep, trial, attempt) REFERENCES public.attempts(sweep, trial, attempt) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.trials
    ADD CONSTRAINT trials_sweep_fkey FOREIGN KEY (sweep) REFERENCES public.sweeps(id) DEFERRABLE INITIALLY DEFERRED;
