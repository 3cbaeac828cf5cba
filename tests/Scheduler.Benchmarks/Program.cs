// dotnet run -c Release --project tests/Scheduler.Benchmarks            prints the tables
// dotnet run -c Release --project tests/Scheduler.Benchmarks -- --tiny  runs each body once, to see that it still works
// dotnet run -c Release --project tests/Scheduler.Benchmarks -- --devices FILE [ROUNDS [LOAD]]
//     compares io_uring and threads on a file of 512 MiB, which is made if need be, under the loads whose name has LOAD
using System.Globalization;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Scheduler.Benchmarks;

if (args.Contains("--tiny"))
{
    Tiny.Run(Console.Out);
    DeviceComparison.RunTiny(Console.Out);
    return;
}

if (args is ["--devices", string path, .. string[] more])
{
    DeviceComparison.Run(
        path,
        size: 512 << 20,
        more.Length > 0 ? int.Parse(more[0], CultureInfo.InvariantCulture) : 5,
        TimeSpan.FromSeconds(1),
        more.Length > 1 ? more[1] : "",
        Console.Out);
    return;
}

// In this process: a project generated for each benchmark would have to be restored and built first.
Job job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithWarmupCount(3).WithIterationCount(10);
IConfig config = DefaultConfig.Instance.AddJob(job).WithArtifactsPath(Path.Combine(AppContext.BaseDirectory, "artifacts"));
_ = BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args.Length == 0 ? ["--filter", "*"] : args, config);
