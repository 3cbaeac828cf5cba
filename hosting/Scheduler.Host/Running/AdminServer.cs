using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Scheduler.Host.Api;
using Scheduler.Host.Configuration;
using Scheduler.Host.Telemetry;
using Scheduler.Nbd.Tls;

namespace Scheduler.Host.Running;

/// <summary>The admin address: health, readiness, metrics and the operators' API over HTTP.</summary>
internal static class AdminServer
{
    /// <summary>Far more than operators, monitors and pages have at once.</summary>
    private const int ConnectionsMax = 1024;

    /// <summary>Starts listening.</summary>
    /// <param name="settings">Checked configuration.</param>
    /// <param name="target">What is reported on and administered.</param>
    /// <param name="metrics">Renders the metrics.</param>
    /// <param name="logging">Configures logging.</param>
    /// <returns>The server; the caller stops and disposes it.</returns>
    /// <exception cref="IOException">The address can't be bound, or a file for TLS is no good.</exception>
    public static async Task<WebApplication> StartAsync(
        ServiceSettings settings, AdminTarget target, PrometheusExporter metrics, Action<ILoggingBuilder> logging)
    {
        // Empty: a fuller builder reads settings from the working directory and the environment, which are not for this
        // server, and watches that directory from then on: every write to a volume in it would be an event.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        logging(builder.Logging);
        _ = builder.Services.AddRoutingCore();
        _ = builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Listen(kestrel, settings));
        if (settings.AdminTls is not null)
            _ = builder.WebHost.UseKestrelHttpsConfiguration();

        // The process has its own handling of signals.
        _ = builder.Services.AddSingleton<IHostLifetime, NoLifetime>();

        AdminApi.AddServices(builder.Services);

        WebApplication app = builder.Build();
        AdminApi.Map(app, settings, target);
        _ = app.MapGet("/healthz", () => Results.Text("ok\n")).ExcludeFromDescription();
        _ = app.MapGet("/readyz", () =>
        {
            IReadOnlyList<string> problems = target.Service.Problems();
            return problems.Count == 0
                ? Results.Text("ready\n")
                : Results.Text(string.Concat(problems.Select(problem => problem + "\n")), statusCode: StatusCodes.Status503ServiceUnavailable);
        }).ExcludeFromDescription();
        _ = app.MapGet("/metrics", async context =>
        {
            context.Response.ContentType = PrometheusExporter.ContentType;
            if (!metrics.TryScrape(context.Response.BodyWriter))
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            _ = await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
        }).ExcludeFromDescription();
        await app.StartAsync();
        return app;
    }

    /// <summary>Where it listens, as a URL.</summary>
    /// <param name="app">The server.</param>
    /// <returns>The URL.</returns>
    public static string UrlOf(WebApplication app) => app.Urls.First();

    private static void Listen(KestrelServerOptions kestrel, ServiceSettings settings)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = RequestBody.BytesMax;
        kestrel.Limits.MaxConcurrentConnections = ConnectionsMax;
        switch (settings.AdminListen)
        {
            case TcpListenEndpoint tcp:
                kestrel.Listen(new IPEndPoint(tcp.Address, tcp.Port), listen => Secure(listen, settings.AdminTls));
                break;
            case UnixListenEndpoint unix:
                UnixSocketFile.Prepare(unix.Path);

                // ListenUnixSocket takes absolute paths only.
                kestrel.Listen(new UnixDomainSocketEndPoint(unix.Path));
                break;
            default:
                throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"endpoint {settings.AdminListen} is of no known kind"), nameof(settings));
        }
    }

    // The files may change while it runs, as those of the NBD front end may.
    private static void Secure(ListenOptions listen, AdminTlsSettings? settings)
    {
        if (settings is null)
            return;
        ILogger logger = listen.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger<ServerTls>();
        ServerTls tls = new(new TlsFiles(settings.Certificate, settings.Key, null), logger);
        listen.Protocols = HttpProtocols.Http1;
        _ = listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(tls.Current()) });
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
