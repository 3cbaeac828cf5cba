using System.CommandLine;
using System.Globalization;
using Scheduler.Host.Configuration;
using Scheduler.Simulation;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler simulate [--seed N] [--guests N] [--steps N] [--faults KIND] [--for TIME]</c></summary>
public static class SimulateCommand
{
    /// <summary>Exit code when a rule was broken.</summary>
    public const int ExitBroken = 1;

    private static readonly TimeSpan s_progressEvery = TimeSpan.FromSeconds(1);

    /// <summary>Makes the command.</summary>
    /// <returns>The command.</returns>
    public static Command Create()
    {
        Option<int?> seed = new("--seed") { Description = "What everything is drawn from. Default: another one each time", HelpName = "N" };
        Option<int> guests = new("--guests") { Description = "Guests, 1 to 64. Default: as the seed has it", HelpName = "N" };
        Option<int> steps = new("--steps")
        {
            Description = "Messages and events before the faults stop",
            HelpName = "N",
            DefaultValueFactory = _ => new SimulationOptions { Seed = 0 }.Steps,
        };
        Option<string> faults = new("--faults") { Description = "What may go wrong", DefaultValueFactory = _ => "all" };
        _ = faults.AcceptOnlyFromAmong("none", "device", "power", "changes", "journal", "costs", "takeovers", "all");
        Option<TimeSpan?> duration = DurationOption.Create(
            "--for",
            "Runs seed after seed, counting up, on all cores, until the time is up, e.g. 20s. Default: one seed",
            TimeSpan.Zero,
            DurationText.Max);
        guests.Validators.Add(result => RequireRange(result, "--guests", 1, 64));
        steps.Validators.Add(result => RequireRange(result, "--steps", 0, 10_000_000));

        Command command = new("simulate", "Runs the scheduler in virtual time over devices that fail, and checks what it promises.") { seed, guests, steps, faults, duration };
        command.SetAction((parsed, cancellation) => RunAsync(
            new SimulationOptions
            {
                Seed = parsed.GetValue(seed) ?? Random.Shared.Next(),
                Guests = parsed.GetValue(guests),
                Steps = parsed.GetValue(steps),
                Faults = Enum.Parse<FaultKinds>(parsed.GetValue(faults)!, ignoreCase: true),
            },
            parsed.GetValue(duration) ?? TimeSpan.Zero,
            parsed.InvocationConfiguration.Output,
            parsed.InvocationConfiguration.Error,
            cancellation));
        return command;
    }

    private static void RequireRange(System.CommandLine.Parsing.OptionResult result, string option, int low, int high)
    {
        if (result.Implicit || (int.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, out int value) && value >= low && value <= high))
            return;
        result.AddError($"{option}: '{result.Tokens[0].Value}' is not a number from {low} to {high}");
    }

    private static async Task<int> RunAsync(
        SimulationOptions options, TimeSpan duration, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        await output.WriteLineAsync($"{OptionsText(options)}{(duration > TimeSpan.Zero ? $" --for {DurationText.Format(duration)}" : "")}");
        SeedSearch search = new(options);
        int threads = duration > TimeSpan.Zero ? Environment.ProcessorCount : 1;
        Task<SeedProgress> run = Task.Run(() => search.Run(duration, threads, cancellation), CancellationToken.None);
        while (await Task.WhenAny(run, Task.Delay(s_progressEvery, CancellationToken.None)) != run)
            await error.WriteLineAsync(ProgressText(search.Progress));

        SeedProgress end = await run;
        await output.WriteLineAsync(ProgressText(end));
        if (end.Failed is null)
            return 0;
        await ReportAsync(end.Failed, output);
        return ExitBroken;
    }

    private static async Task ReportAsync(SimulationResult failed, TextWriter output)
    {
        await output.WriteLineAsync($"seed {failed.Options.Seed}: {failed.Message}");
        SimulationResult shortest = Scheduler.Simulation.Simulation.Shorten(failed);
        await output.WriteLineAsync($"shortest failing run found: {shortest.Options.Steps} steps before the faults stop: {shortest.Message}");
        await output.WriteLineAsync(shortest.Table.TrimEnd());
        await output.WriteLineAsync($"repeat: scheduler simulate {OptionsText(shortest.Options)}");
    }

    private static string OptionsText(SimulationOptions options)
    {
        string guests = options.Guests > 0 ? $" --guests {options.Guests}" : "";
        return $"--seed {options.Seed}{guests} --steps {options.Steps} --faults {options.Faults.ToString().ToLowerInvariant()}";
    }

    private static string ProgressText(SeedProgress progress) => string.Create(
        CultureInfo.InvariantCulture, $"{progress.Seeds} seeds, {progress.Steps} steps, {progress.Requests} requests, {progress.RequestsPerSecondAndCore:F0} a second on a core, {(progress.Failed is null ? "no rule broken" : "a rule is broken")}");
}
