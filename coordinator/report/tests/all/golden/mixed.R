# Writes mixed.json: what R's aov, lme4, lmerTest and emmeans say of small grids whose levels share noise under a seed.
#
#     apt-get install --no-install-recommends r-base-core r-cran-lmertest r-cran-emmeans   # Debian 12: R 4.2.2
#     Rscript mixed.R > mixed.json
#
# Effects: aov with the error strata of the seed, seed / (units * embedding * batch_size). Means of levels and of
# configurations and their differences: a mixed model fitted by REML, with Satterthwaite's degrees of freedom. The grid of two
# axes is drawn until every variance is estimated above 0, so that REML and mean squares are the same estimate.
suppressMessages({library(lme4); library(lmerTest); library(emmeans)})
emm_options(lmer.df = "satterthwaite")
num <- function(x) sprintf("%.12g", x)
row <- function(x) paste0("[", paste(num(x), collapse = ", "), "]")

grid <- function(levels, replicates, shared) {
  # The replicate changes fastest, then the last axis: the order of losses in the tests.
  axes <- lapply(rev(levels), function(n) seq_len(n) - 1)
  d <- expand.grid(c(list(seed = seq_len(replicates) - 1), axes))
  names(d) <- c("seed", rev(c("units", "embedding", "batch_size")[seq_along(levels)]))
  d$loss <- 0.6 + rnorm(replicates, 0, 0.02)[d$seed + 1] + rnorm(nrow(d), 0, 0.01) - 0.006 * d$units
  for (axis in setdiff(names(d), c("seed", "loss"))) {
    cell <- interaction(d[[axis]], d$seed)
    d$loss <- d$loss + rnorm(nlevels(cell), 0, shared)[as.integer(cell)]
  }
  d$loss <- round(d$loss, 6)
  for (axis in setdiff(names(d), "loss")) d[[axis]] <- factor(d[[axis]])
  d
}

# Three axes: every effect against its own interaction with the seed.
set.seed(1)
d <- grid(c(3, 2, 4), 4, 0.008)
fit <- summary(aov(loss ~ units * embedding * batch_size + Error(seed / (units * embedding * batch_size)), d))
lines <- c()
for (stratum in fit) {
  table <- stratum[[1]]
  if (nrow(table) < 2) next
  of <- gsub(":", "\", \"", trimws(rownames(table)[1]))
  lines <- c(lines, sprintf("    {\"of\": [\"%s\"], \"df\": %s, \"error_df\": %s, \"f\": %s, \"p\": %s}", of, num(table[1, "Df"]),
    num(table[2, "Df"]), num(table[1, "F value"]), num(table[1, "Pr(>F)"])))
}
cat("{\n  \"effects\": {\n   \"levels\": [3, 2, 4], \"replicates\": 4,\n   \"losses\": ", row(d$loss), ",\n   \"lines\": [\n",
  paste(lines, collapse = ",\n"), "\n   ]\n  },\n", sep = "")

# Two axes: intervals of levels, configurations and differences.
for (try in 1:200) {
  set.seed(100 + try)
  d <- grid(c(3, 4), 5, 0.015)
  fit <- lmer(loss ~ units * embedding + (1 | seed) + (1 | seed:units) + (1 | seed:embedding), d,
    control = lmerControl(optCtrl = list(ftol_abs = 1e-14, xtol_abs = 1e-14)))
  if (all(as.data.frame(VarCorr(fit))$vcov > 1e-5)) break
}
of <- function(x) {
  s <- as.data.frame(summary(x, infer = c(TRUE, TRUE), adjust = "none"))
  estimate <- if ("emmean" %in% names(s)) s$emmean else s$estimate
  apply(cbind(estimate, s$df, s$lower.CL, s$upper.CL, s$p.value), 1, row)
}
levels_of <- emmeans(fit, ~ units)
cells <- emmeans(fit, ~ embedding * units)
json <- function(name, rows) sprintf("   \"%s\": [\n    %s\n   ]", name, paste(rows, collapse = ",\n    "))
table <- anova(fit)
cat("  \"intervals\": {\n   \"levels\": [3, 4], \"replicates\": 5,\n   \"losses\": ", row(d$loss), ",\n   \"f\": ",
  row(table["units", c("F value", "NumDF", "DenDF", "Pr(>F)")]), ",\n", sep = "")
# Pairs: first less second, in the order 1-2, 1-3, … of the positions.
cat(json("units", of(levels_of)), json("pairs_of_units", of(pairs(levels_of))), json("configurations", of(cells)),
  json("pairs_of_configurations", of(pairs(cells))), sep = ",\n")
cat("\n  }\n}\n")
